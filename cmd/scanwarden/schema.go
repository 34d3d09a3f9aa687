package main

import (
	"encoding/json"
	"fmt"
	"scanwarden/cmd/scanwarden/internal/config"
)

type schemaCommand struct {
	Of string `placeholder:"WHAT" help:"tools, or config for the configuration file, which editors complete by."`
	ledgerFlags
}

// Run prints the tools as MCP lists them, so that they can be read and compared without a client.
func (s schemaCommand) Run(w environment, flags config.Flags) error {
	switch s.Of {
	case "", "tools":
	case "config":
		_, err := w.stdout.Write(config.Schema)
		return err
	default:
		return usageError{fmt.Errorf("--of: there is no schema of %q; write tools or config", s.Of)}
	}
	cfg, err := config.Load(w.env, flags)
	if err != nil {
		return err
	}
	operations, err := cfg.Operations()
	if err != nil {
		return err
	}
	listed := make([]listedTool, len(operations))
	for i, op := range operations {
		listed[i] = listedTool{
			Name: op.Name, Title: op.Title, Description: op.Description, InputSchema: op.Input, OutputSchema: op.Output,
			Annotations: annotations{op.ReadOnly(), op.Destructive, op.Idempotent, op.OpenWorld},
		}
	}
	return writeJSON(w.stdout, listed)
}

// listedTool is a tool in MCP's words (2026-07-28, server/tools).
type listedTool struct {
	Name         string          `json:"name"`
	Title        string          `json:"title"`
	Description  string          `json:"description"`
	InputSchema  json.RawMessage `json:"inputSchema"`
	OutputSchema json.RawMessage `json:"outputSchema"`
	Annotations  annotations     `json:"annotations"`
}

type annotations struct {
	ReadOnly    bool `json:"readOnlyHint"`
	Destructive bool `json:"destructiveHint"`
	Idempotent  bool `json:"idempotentHint"`
	OpenWorld   bool `json:"openWorldHint"`
}
