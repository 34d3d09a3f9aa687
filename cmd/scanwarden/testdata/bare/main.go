// Command bare is the yardstick of the benchmarks: the smallest useful mcp-go server, three tools over stdio,
// no ledger, no configuration.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/mark3labs/mcp-go/mcp"
	"github.com/mark3labs/mcp-go/server"
)

func main() {
	s := server.NewMCPServer("bare", "1")
	for _, name := range []string{"one", "two", "three"} {
		tool := mcp.NewTool(name, mcp.WithDescription("Says what it is told."), mcp.WithString("text", mcp.Required()))
		s.AddTool(tool, func(_ context.Context, req mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return mcp.NewToolResultText(req.GetString("text", "")), nil
		})
	}
	if err := server.ServeStdio(s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
