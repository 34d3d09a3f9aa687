package main

type ledgerFlags struct {
	Config      string `group:"ledger" placeholder:"FILE" setting:"SCANWARDEN_CONFIG" help:"YAML configuration file."`
	StateDir    string `group:"ledger" placeholder:"DIR" setting:"SCANWARDEN_STATE_DIR" help:"Where the ledger and the keys live."`
	DatabaseURL string `group:"ledger" placeholder:"URL" setting:"SCANWARDEN_DATABASE_URL" help:"sqlite:PATH or postgres://USER@HOST/DATABASE (a password by the environment only)."`
	LogLevel    string `group:"ledger" placeholder:"LEVEL" setting:"SCANWARDEN_LOG_LEVEL" help:"debug, info, warn or error."`
	LogFormat   string `group:"ledger" placeholder:"FORMAT" setting:"SCANWARDEN_LOG_FORMAT" help:"text or json."`
}

type tenantFlags struct {
	Simulator                  bool   `help:"Use the built-in simulated tenant: no sign-in, nothing leaves this machine."`
	TenantID                   string `group:"tenant" placeholder:"ID" setting:"AZURE_TENANT_ID" help:"Entra tenant."`
	ClientID                   string `group:"tenant" placeholder:"ID" setting:"AZURE_CLIENT_ID" help:"App registration."`
	ClientCertificatePath      string `group:"tenant" placeholder:"FILE" setting:"AZURE_CLIENT_CERTIFICATE_PATH" help:"PEM with key and certificate."`
	FederatedTokenFile         string `group:"tenant" placeholder:"FILE" setting:"AZURE_FEDERATED_TOKEN_FILE" help:"Workload identity token."`
	AuthorityHost              string `group:"tenant" placeholder:"URL" setting:"AZURE_AUTHORITY_HOST" help:"Where to sign in, if not the cloud's own host."`
	Auth                       string `group:"tenant" placeholder:"WAY" setting:"SCANWARDEN_AUTH" help:"How to sign in: client, managed-identity, device-code, interactive or on-behalf-of."`
	WriteClientID              string `group:"tenant" placeholder:"ID" setting:"SCANWARDEN_WRITE_CLIENT_ID" help:"Another app registration that writes; the first one then only reads."`
	WriteClientCertificatePath string `group:"tenant" placeholder:"FILE" setting:"SCANWARDEN_WRITE_CLIENT_CERTIFICATE_PATH" help:"Its PEM with key and certificate."`
	WriteFederatedTokenFile    string `group:"tenant" placeholder:"FILE" setting:"SCANWARDEN_WRITE_FEDERATED_TOKEN_FILE" help:"Its workload identity token."`
	ReadOnly                   bool   `group:"tenant" negatable:"" setting:"SCANWARDEN_READ_ONLY" help:"Offer nothing that changes Defender."`
	Cloud                      string `group:"tenant" placeholder:"CLOUD" setting:"SCANWARDEN_CLOUD" help:"commercial, gcc, gcc-high or dod."`
	Region                     string `group:"tenant" placeholder:"REGION" setting:"SCANWARDEN_REGION" help:"us, eu, uk, au, swa or ina."`
	DefenderURL                string `group:"tenant" placeholder:"URL" setting:"SCANWARDEN_DEFENDER_URL" help:"Another Defender host; plain http to loopback only."`
	DefenderScope              string `group:"tenant" placeholder:"SCOPE" setting:"SCANWARDEN_DEFENDER_SCOPE" help:"Another token scope."`
}

type policyFlags struct {
	ConfirmWith         string `group:"policy" placeholder:"CHANNELS" setting:"SCANWARDEN_CONFIRM_WITH" help:"Where people are asked: client, slack, or both."`
	Approvers           string `group:"policy" placeholder:"PRINCIPALS" setting:"SCANWARDEN_APPROVERS" help:"Who may confirm, such as token:ada,local:grace."`
	Requesters          string `group:"policy" placeholder:"PRINCIPALS" setting:"SCANWARDEN_REQUESTERS" help:"Who may propose; if not given, whoever is let in (with Entra: who has the role Scans.Requester)."`
	SelfApproval        bool   `group:"policy" negatable:"" setting:"SCANWARDEN_SELF_APPROVAL" help:"Approvers may confirm what they asked for themselves."`
	ApprovalsRequired   string `group:"policy" placeholder:"TOOL=N" setting:"SCANWARDEN_APPROVALS_REQUIRED" help:"How many people, such as delete_scans=2."`
	Expires             string `group:"policy" placeholder:"DURATION" setting:"SCANWARDEN_EXPIRES" help:"How long a change waits for a person, such as 15m."`
	MaxScansPerDelete   string `group:"policy" placeholder:"N" setting:"SCANWARDEN_MAX_SCANS_PER_DELETE" help:"Most scans in one delete."`
	MaxAddressesPerScan string `group:"policy" placeholder:"N" setting:"SCANWARDEN_MAX_ADDRESSES_PER_SCAN" help:"Most addresses in one scan."`
}

type httpFlags struct {
	Listen          string `group:"http" placeholder:"HOST:PORT" setting:"SCANWARDEN_LISTEN" help:"Where to listen, 127.0.0.1:8484 if not given."`
	PublicURL       string `group:"http" placeholder:"URL" setting:"SCANWARDEN_PUBLIC_URL" help:"The URL that callers use, behind a proxy."`
	HTTPAuth        string `group:"http" placeholder:"WAY" setting:"SCANWARDEN_HTTP_AUTH" help:"entra, token (with $SCANWARDEN_HTTP_TOKEN), none on loopback, slack, entra,slack or token,slack."`
	HTTPClientID    string `group:"http" placeholder:"ID" setting:"SCANWARDEN_HTTP_CLIENT_ID" help:"The app registration that Entra callers get tokens for, if not the one that signs in."`
	HTTPOAuthFacade bool   `group:"http" negatable:"" name:"http-oauth-facade" setting:"SCANWARDEN_HTTP_OAUTH_FACADE" help:"Serve OAuth metadata that says S256, for clients that insist on it."`
}

type slackFlags struct {
	SlackChannel      string `group:"slack" placeholder:"ID" setting:"SCANWARDEN_SLACK_CHANNEL" help:"The channel in which people are asked; direct messages to the approvers if not given."`
	SlackMatchEmail   bool   `group:"slack" negatable:"" setting:"SCANWARDEN_SLACK_MATCH_EMAIL" help:"Join a Slack user to the one person of the file with the same e-mail address."`
	SlackLinkAccounts bool   `group:"slack" negatable:"" setting:"SCANWARDEN_SLACK_LINK_ACCOUNTS" help:"Let Slack users join their Entra account at PUBLIC_URL/link."`
	SlackAPIURL       string `group:"slack" name:"slack-api-url" placeholder:"URL" setting:"SLACK_API_URL" help:"Another Slack Web API, with a slash at its end."`
}
