package store

import (
	"context"
	"fmt"
)

// ServerSettings are the settings of a PostgreSQL server that decide whether it keeps what it has acknowledged.
type ServerSettings struct {
	Version           int    // as in server_version_num: 150004 is 15.4
	Fsync             bool   // off: a crash of the machine can lose or damage any part of the database
	FullPageWrites    bool   // off: likewise, unless the file system writes pages as a whole
	SynchronousCommit string // the default of the server, database or role; our connections do not use it
	StandbyNames      string // synchronous_standby_names; "" means that a failover can lose acknowledged commits
	Standby           bool   // the server only reads
}

// ServerSettings returns the settings of the PostgreSQL server, or nil for SQLite.
func (s *Store) ServerSettings(ctx context.Context) (*ServerSettings, error) {
	if s.sqlite {
		return nil, nil
	}
	var found ServerSettings
	err := s.read.QueryRowContext(ctx, `SELECT current_setting('server_version_num')::int, current_setting('fsync')::bool,
		current_setting('full_page_writes')::bool, current_setting('synchronous_standby_names'), pg_is_in_recovery(),
		(SELECT reset_val FROM pg_settings WHERE name = 'synchronous_commit')`).
		Scan(&found.Version, &found.Fsync, &found.FullPageWrites, &found.StandbyNames, &found.Standby, &found.SynchronousCommit)
	if err != nil {
		return nil, fmt.Errorf("read the server's settings: %w", explainError(err))
	}
	return &found, nil
}
