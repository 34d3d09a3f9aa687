package main

import (
	"encoding/json"
	"maps"
	"slices"

	"scanwarden/tools"
)

type schemaCommand struct {
	ledgerFlags
}

// Run prints the tools as MCP lists them, so that they can be read and compared without a client.
func (schemaCommand) Run(w world, flags flagValues) error {
	cfg, err := load(w.environment, flags)
	if err != nil {
		return err
	}
	operations, err := cfg.catalogue()
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
	encoder := json.NewEncoder(w.out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(listed)
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

// catalogue is the operations with the names of our credentials in their schemas.
func (c *config) catalogue() ([]tools.Operation, error) {
	return tools.Catalogue(slices.Sorted(maps.Keys(c.Credentials)))
}
