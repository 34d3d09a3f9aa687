package doctor

import (
	"fmt"

	"scanwarden/cmd/scanwarden/internal/config"
	"scanwarden/confirm/store"
)

// oldestPostgres is the oldest major version of PostgreSQL that the ledger is meant for.
const oldestPostgres = 12

// checkServerSettings reports whether a PostgreSQL server keeps what it has acknowledged. It returns nil for nil, which
// is SQLite.
func checkServerSettings(s *store.ServerSettings) (out []config.Finding) {
	if s == nil {
		return nil
	}
	if s.Standby {
		out = append(out, config.Problem("the PostgreSQL server is a standby, which only reads",
			"Name the primary in SCANWARDEN_DATABASE_URL, or add target_session_attrs=read-write to it."))
	}
	if major := s.Version / 10_000; major < oldestPostgres {
		out = append(out, config.Problem(fmt.Sprintf("PostgreSQL %d is too old", major), fmt.Sprintf("Use version %d or newer.", oldestPostgres)))
	}
	if !s.Fsync {
		out = append(out, unsafeSetting("fsync"))
	}
	if !s.FullPageWrites {
		out = append(out, unsafeSetting("full_page_writes"))
	}
	if s.SynchronousCommit == "off" {
		out = append(out, config.Note("PostgreSQL's default is synchronous_commit = off; the connections of scanwarden use on", ""))
	}
	if s.StandbyNames == "" {
		out = append(out, config.Note("PostgreSQL has no synchronous standby: after a failover the newest transitions may be missing",
			"If it has a standby that can take over, set synchronous_standby_names (docs/operations.md)."))
	}
	return out
}

// unsafeSetting is the problem of a setting that must be on.
func unsafeSetting(name string) config.Finding {
	return config.Problem("PostgreSQL runs with "+name+" = off: a crash of its machine can lose transitions that it has acknowledged, and a change could be sent twice",
		"Set "+name+" = on in postgresql.conf, and reload the server.")
}
