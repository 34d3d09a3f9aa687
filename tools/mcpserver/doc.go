// Package mcpserver is the door for AI assistants: the catalogue of package tools as MCP tools, over stdio
// and streamable HTTP, for clients of the 2026-07-28 protocol and of the initialize era before it.
//
// A tool that writes never writes. Its first call plans the change, has the gate keep it and answers
// "input required": the client shows its person the whole plan and a code, and calls again with what they
// typed. (For an initialize-era client the library asks with elicitation/create and makes the second call
// itself, so one handler serves both.) Only the gate compares the code.
//
// The invariant: nothing a client sends is believed. An answer counts only together with a requestState that
// this server sealed for this very principal, tool and arguments; the question it answers can be answered
// once, which the ledger sees to; and the code it must hold was shown in the prompt and nowhere else. No tool
// approves, and neither code nor requestState tells a model anything.
//
// One trap decides the shape of this package: in mcp-go the session of a stdio server is a package variable,
// so one process serves one stdio client.
package mcpserver
