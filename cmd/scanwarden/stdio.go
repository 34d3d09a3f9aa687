package main

import (
	"context"
	"errors"
	"os"
	"os/user"
	"strconv"
	"time"

	"scanwarden/confirm"
)

// goodbye is how long an end may take: what Defender is doing right now ends first. Process managers wait
// for ten seconds.
const goodbye = 9 * time.Second

type stdioCommand struct {
	tenantFlags
	policyFlags
	ledgerFlags
}

// Run serves one MCP client until it closes stdin or the process is asked to end.
func (s stdioCommand) Run(w world, flags flagValues) error {
	cfg, err := load(w.environment, flags)
	if err != nil {
		return err
	}
	cfg.Simulator = s.Simulator
	p := plan{cfg: cfg, env: w.environment, log: cfg.logger(w.errs), metrics: newMetrics()}
	ctx, fail := context.WithCancelCause(w.ctx)
	defer fail(nil)
	back := p.openBeside(ctx, fail)
	server, err := p.door(back)
	if err == nil {
		err = server.ServeStdio(ctx, w.in, w.out, localUser(w.environment))
		server.Close()
	}
	return errors.Join(err, ending(ctx, w.ctx), farewell(back.close))
}

// ending tells why a server stopped: nil when it was asked to.
func ending(ctx, asked context.Context) error {
	if asked.Err() != nil || ctx.Err() == nil {
		return nil
	}
	return context.Cause(ctx)
}

// farewell gives the last steps their time.
func farewell(steps ...func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	var errs []error
	for _, step := range steps {
		errs = append(errs, step(ctx))
	}
	return errors.Join(errs...)
}

// localUser is the person who runs this process.
func localUser(env environment) confirm.Principal {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return confirm.Principal("local:" + u.Username)
	}
	// A container may have no user database.
	if name := env["USER"]; name != "" {
		return confirm.Principal("local:" + name)
	}
	return confirm.Principal("local:" + strconv.Itoa(os.Getuid()))
}
