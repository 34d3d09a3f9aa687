// A host of MCP Apps made of published packages: the client of the MCP SDK, and the AppBridge of @modelcontextprotocol/ext-apps
// between it and a frame. .ci/run bundles it with esbuild.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { AppBridge, PostMessageTransport, RESOURCE_MIME_TYPE, getToolUiResourceUri } from "@modelcontextprotocol/ext-apps/app-bridge";

const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; connect-src 'none'";
const frame = document.getElementById("view");
window.links = [];
window.problems = [];
window.addEventListener("unhandledrejection", event => window.problems.push(String(event.reason)));

// draw calls a tool as an assistant would and draws its view. It returns the status of the result.
window.draw = async (name, args) => {
	const client = new Client({ name: "npm-host", version: "1" },
		{ capabilities: { extensions: { "io.modelcontextprotocol/ui": { mimeTypes: [RESOURCE_MIME_TYPE] } } } });
	await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", location)));
	const { tools } = await client.listTools();
	const { contents } = await client.readResource({ uri: getToolUiResourceUri(tools.find(tool => tool.name === name)) });
	const result = await client.callTool({ name, arguments: args });
	const bridge = new AppBridge(client, { name: "npm-host", version: "1" }, { openLinks: {}, serverTools: {} },
		{ hostContext: { theme: "dark" } });
	bridge.onopenlink = async ({ url }) => { window.links.push(url); return {}; };
	bridge.onsizechange = ({ height }) => { if (height) frame.style.height = height + "px"; };
	bridge.oninitialized = async () => {
		await bridge.sendToolInput({ arguments: args });
		await bridge.sendToolResult(result);
	};
	await bridge.connect(new PostMessageTransport(frame.contentWindow, frame.contentWindow));
	frame.srcdoc = contents[0].text.replace("<head>", `<head><meta http-equiv="Content-Security-Policy" content="${policy}">`);
	return result.structuredContent;
};
