package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"scanwarden/tools"
)

type schemaCommand struct {
	Of string `placeholder:"WHAT" help:"tools, or config for the configuration file, which editors complete by."`
	ledgerFlags
}

// Run prints the tools as MCP lists them, so that they can be read and compared without a client.
func (s schemaCommand) Run(w environment, flags Flags) error {
	switch s.Of {
	case "", "tools":
	case "config":
		_, err := w.stdout.Write(Schema)
		return err
	default:
		return usageError{fmt.Errorf("--of: there is no schema of %q; write tools or config", s.Of)}
	}
	cfg, err := Load(w.env, flags)
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

// Operations is the operations with the names of our credentials in their schemas. In read-only mode it has none that
// changes anything, so that no face can offer one.
func (c *Config) Operations() ([]tools.Operation, error) {
	operations, err := tools.Catalogue(slices.Sorted(maps.Keys(c.Credentials)))
	if c.ReadOnly {
		operations = slices.DeleteFunc(operations, func(op tools.Operation) bool { return !op.ReadOnly() })
	}
	return operations, err
}
