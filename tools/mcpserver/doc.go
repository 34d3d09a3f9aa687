// Package mcpserver serves the catalogue of package tools as MCP tools, over stdio and streamable HTTP. It serves
// clients of the 2026-07-28 protocol and clients of the earlier protocols with sessions (the initialize era).
//
// A tool call never changes Defender directly. The first call of a writing tool proposes the change to the Gate and
// answers "input required". The client then shows its user the whole plan and a code, and calls again with what the
// user typed. For an initialize-era client, the server sends elicitation/create and makes the second call itself,
// so that one handler serves both eras. Only the Gate compares the code.
//
// The invariant: nothing that a client sends is trusted. An answer counts only with a requestState that this server
// sealed for the same principal, tool and arguments. The ledger accepts one answer to each prompt. The code that an
// answer must contain is shown in the prompt and nowhere else. No tool approves a change, and neither the code nor
// requestState reveals anything to a model.
//
// A limit of mcp-go decides the shape of this package: it keeps the session of a stdio server in a package
// variable, so one process serves one stdio client.
package mcpserver
