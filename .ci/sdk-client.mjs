// Drives a server with the TypeScript SDK's client, which validates every structured result against the tool's output
// schema, also that of an error. It exits non-zero at the first thing that is not as it should be.
//
//   node sdk-client.mjs SDK_DIRECTORY simulator|empty stdio COMMAND ARGUMENTS...
//   node sdk-client.mjs SDK_DIRECTORY simulator|empty http URL
//
// With "simulator" it lists, and has an add, an update and a delete confirmed by typing the code of the prompt. With
// "empty" the server has no tenant: every tool must refuse in a sentence that the client shows.
import {pathToFileURL} from "node:url";

const [directory, tenant, transport, ...server] = process.argv.slice(2);
const sdk = path => import(pathToFileURL(`${directory}/dist/esm/${path}`));
const {Client} = await sdk("client/index.js");
const {ElicitRequestSchema} = await sdk("types.js");

const fail = text => { console.error(`FAILED: ${text}`); process.exit(1); };
setTimeout(() => fail("it takes longer than a minute"), 60_000).unref();

const client = new Client({name: "sdk-client", version: "1"}, {capabilities: {elicitation: {}}});
client.setRequestHandler(ElicitRequestSchema, request => {
	const code = /\nTo apply this change, type: ([A-Z0-9]{5})$/.exec(request.params.message)?.[1];
	if (!code) fail(`the prompt does not end with the code:\n${request.params.message}`);
	return {action: "accept", content: {code}};
});
if (transport === "http") {
	const {StreamableHTTPClientTransport} = await sdk("client/streamableHttp.js");
	await client.connect(new StreamableHTTPClientTransport(new URL(server[0])));
} else {
	const {StdioClientTransport} = await sdk("client/stdio.js");
	await client.connect(new StdioClientTransport({command: server[0], args: server.slice(1), env: {HOME: process.env.HOME}, stderr: "ignore"}));
}

// call returns the structured result of a tool. The client throws if it does not fit the output schema.
const call = async (name, args = {}) => {
	const result = await client.callTool({name, arguments: args});
	if (!result.structuredContent) fail(`${name} has no structured result: ${JSON.stringify(result)}`);
	return {...result.structuredContent, isError: result.isError};
};
const {tools} = await client.listTools();
const names = tools.map(tool => tool.name).sort();
if (names.length < 8) fail(`only these tools: ${names}`);

const scan = {
	scanType: "Network", scanName: "Branch switches", target: "192.0.2.32", intervalInHours: 8,
	scannerAgent: {machineId: "scan-branch-02.contoso.example"}, scanAuthenticationParams: {type: "NoAuthNoPriv", username: "scanner"},
};
const confirmed = [
	["add_scan", scan], ["update_scan", {id: "Branch switches", intervalInHours: 24}], ["delete_scans", {scanDefinitionIds: ["Branch switches"]}],
];
if (tenant === "simulator") {
	if (!((await call("list_scans")).scans?.length > 0)) fail("list_scans lists nothing");
	for (const [name, args] of confirmed) {
		const result = await call(name, args);
		if (result.status !== "applied") fail(`${name}: ${JSON.stringify(result)}`);
	}
	const refused = await call("scan_history", {scanDefinitionIds: ["no such scan"]});
	if (!refused.isError || !refused.reason) fail(`scan_history of no scan: ${JSON.stringify(refused)}`);
} else {
	const args = {...Object.fromEntries(confirmed), scan_history: {scanDefinitionIds: ["x"]}, withdraw_change: {change_id: "01M8MWZ315334N6BTJWAAMM5BK"}, get_change: {change_id: "01M8MWZ315334N6BTJWAAMM5BK"}};
	for (const name of names) {
		const result = await call(name, args[name]);
		if (!result.isError || !result.reason) fail(`${name} without a tenant: ${JSON.stringify(result)}`);
	}
}
await client.close();
console.log(`${transport}, ${tenant}: ok`);
