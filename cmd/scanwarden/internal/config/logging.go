package config

import (
	"fmt"
	"io"
	"log/slog"
	"os"
)

// Logger returns a logger that writes to stderr only. With stdio, anything else on stdout would break the protocol.
func (c *Config) Logger(errs io.Writer) *slog.Logger {
	level, _ := parseLogLevel(c.LogLevel) // checked by validate
	options := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "text" || c.LogFormat == "" && IsTerminal(errs) {
		return slog.New(slog.NewTextHandler(errs, options))
	}
	return slog.New(slog.NewJSONHandler(errs, options))
}

// parseLogLevel returns the level named debug, info, warn or error. An empty name means info.
func parseLogLevel(name string) (slog.Level, error) {
	var level slog.Level
	if name == "" {
		return slog.LevelInfo, nil
	}
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return level, fmt.Errorf("SCANWARDEN_LOG_LEVEL: %q is not a level; set it to debug, info, warn or error", name)
	}
	return level, nil
}

// IsTerminal reports whether w is a character device, so that a person probably reads it as it is written.
func IsTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// checkLogs returns an error for an unknown log level or format.
func (c *Config) checkLogs() error {
	if _, err := parseLogLevel(c.LogLevel); err != nil {
		return err
	}
	switch c.LogFormat {
	case "", "text", "json":
		return nil
	}
	return fmt.Errorf("SCANWARDEN_LOG_FORMAT: %q is not a format; set it to text or json", c.LogFormat)
}
