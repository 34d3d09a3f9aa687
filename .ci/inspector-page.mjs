// Drives the page of the MCP Inspector in Chromium: it connects, and has an add, an update and a delete confirmed by typing
// the code of each prompt into the Inspector's form. It exits non-zero at the first thing that is not as it should be.
//
//   node inspector-page.mjs PLAYWRIGHT_DIRECTORY INSPECTOR_URL [PICTURE_DIRECTORY]
//
// Start the Inspector first: mcp-inspector --web --config servers.json, with one server, `scanwarden stdio --simulator`.
import {pathToFileURL} from "node:url";

const [directory, url, pictures] = process.argv.slice(2);
const {chromium} = (await import(pathToFileURL(`${directory}/index.js`))).default;
const fail = text => { console.error(`FAILED: ${text}`); process.exit(1); };
setTimeout(() => fail("it takes longer than two minutes"), 120_000).unref();

const browser = await chromium.launch({executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-quic", "--no-first-run",
	"--disable-background-networking", "--disable-component-update", "--disable-sync"]});
const page = await browser.newPage({viewport: {width: 1280, height: 900}});
await page.goto(url);
const connect = page.getByRole("switch").first();
await connect.waitFor();
if (!await connect.isChecked()) await connect.click({force: true}); // its track covers the switch that screen readers see
await page.getByText("Connected", {exact: true}).first().waitFor();
await page.getByText(/tools\/list/i).first().waitFor();
const showTools = () => page.locator("label", {hasText: /^Tools$/}).first().click();
await showTools();

const scan = {
	scanType: "Network", scanName: "Branch switches", target: "192.0.2.32", intervalInHours: 8,
	scannerAgent: {machineId: "scan-branch-02.contoso.example"}, scanAuthenticationParams: {type: "NoAuthNoPriv", username: "scanner"},
};
for (const [tool, args] of [
	["add_scan", scan], ["update_scan", {id: "Branch switches", intervalInHours: 24}], ["delete_scans", {scanDefinitionIds: ["Branch switches"]}],
]) {
	await page.getByText(tool, {exact: true}).first().click({timeout: 10_000}).catch(async () => {
		await page.screenshot({path: `${pictures ?? "."}/inspector-failed.png`});
		fail(`${tool} is not listed:\n${await page.locator("body").innerText()}`);
	});
	await page.getByText("Edit as JSON").click({force: true}); // the switch covers its label
	const editor = page.getByRole("textbox", {name: /^Arguments JSON/}).first();
	await editor.focus();
	await page.keyboard.press("Control+A");
	await page.keyboard.insertText(JSON.stringify(args));
	await page.getByRole("button", {name: "Clear", exact: true}).click(); // so that no earlier result is taken for this one
	if (await page.getByText(/"?status"?:? ?"?applied/).count() > 0) fail("an earlier result is still shown");
	await page.getByRole("button", {name: "Execute Tool"}).click();
	const prompt = page.getByText(/To apply this change, type: [A-Z0-9]{5}/).last();
	await prompt.waitFor();
	const code = /To apply this change, type: ([A-Z0-9]{5})/.exec(await prompt.innerText())[1];
	if (pictures) await page.screenshot({path: `${pictures}/inspector-${tool}.png`});
	await page.getByLabel(/^Code/).last().fill(code);
	await page.getByRole("button", {name: /submit|accept/i}).last().click();
	await page.getByText(/"?status"?:? ?"?applied/).first().waitFor();
	if (pictures) await page.screenshot({path: `${pictures}/inspector-${tool}-applied.png`});
	console.log(`${tool}: applied`);
}
await browser.close();
