// Command bare is the yardstick of the benchmarks: the smallest mcp-go server that offers what ours does, three
// tools over stdio or, with an address, over HTTP. It has no ledger and no configuration.
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
	if err := serve(s, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(s *server.MCPServer, args []string) error {
	if len(args) > 0 {
		return server.NewStreamableHTTPServer(s).Start(args[0])
	}
	return server.ServeStdio(s)
}
