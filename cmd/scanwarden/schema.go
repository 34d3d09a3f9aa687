package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"scanwarden/cmd/scanwarden/internal/config"
)

// newSchemaCommand returns `scanwarden schema`.
func newSchemaCommand(e environment) *cobra.Command {
	var of string
	cmd := &cobra.Command{
		Use: "schema", GroupID: groupSetUp, Example: "scanwarden schema --of config", Args: cobra.NoArgs,
		Short: "Print the JSON schemas of the tools, or that of the configuration file.",
		RunE:  func(cmd *cobra.Command, _ []string) error { return runSchema(e, givenSettings(cmd), of) },
	}
	cmd.Flags().StringVar(&of, "of", "tools", "`WHAT` tools, or config for the configuration file, which editors complete by.")
	addFlagNote(cmd, "of", "", "tools")
	addSettingFlags(cmd, config.GroupLedger)
	return cmd
}

// runSchema prints the tools as MCP lists them, so that they can be read and compared without a client.
func runSchema(e environment, flags config.Flags, of string) error {
	switch of {
	case "tools":
	case "config":
		_, err := e.stdout.Write(config.Schema)
		return err
	default:
		return usageError{fmt.Errorf("--of: there is no schema of %q; write tools or config", of)}
	}
	cfg, err := config.Load(e.env, flags)
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
	return writeJSON(e.stdout, listed)
}

// listedTool is a tool as MCP lists it (2026-07-28, server/tools).
type listedTool struct {
	Name         string          `json:"name"`
	Title        string          `json:"title"`
	Description  string          `json:"description"`
	InputSchema  json.RawMessage `json:"inputSchema"`
	OutputSchema json.RawMessage `json:"outputSchema"`
	Annotations  annotations     `json:"annotations"`
}

// annotations are the hints of a tool.
type annotations struct {
	ReadOnly    bool `json:"readOnlyHint"`
	Destructive bool `json:"destructiveHint"`
	Idempotent  bool `json:"idempotentHint"`
	OpenWorld   bool `json:"openWorldHint"`
}
