package defendertest

import "cmp"

// Options chooses between contested behaviours. The zero value is the documented one, on a seeded tenant that
// accepts any bearer token and never throttles.
type Options struct {
	// AuthInLists makes the list of definitions return scanAuthenticationParams populated, passwords included,
	// as the example on "Get all scan definitions" prints it. Otherwise it is null, as in every example on
	// "Add, update or delete a scan definition".
	AuthInLists bool

	// PascalCaseAgents writes AssignedApplicationId, ScannerSoftwareVersion and LastCommandExecutionTimestamp,
	// as the list and agent pages print them. Otherwise camelCase, as the add page and $metadata have it.
	PascalCaseAgents bool

	// BareAgent answers agent-by-id with the entity itself, as OData and $metadata would have it. Otherwise
	// inside a value array of one, as "Get scan agent by Id" prints it.
	BareAgent bool

	// KeyVaultField is the vault address's name, declared in $metadata and accepted in requests:
	// "keyVaultUri" (the default: $metadata and the property page of 2022) or "keyVaultUrl" (the property
	// page since). The other spelling is an unknown field.
	KeyVaultField string

	// MetadataHistory answers both history reads in the shape of $metadata's AuthScanHistoryContract.
	// Otherwise in the shapes the two history pages print, which share hardly a name with it.
	MetadataHistory bool

	// DeleteStatus answers BatchDelete: 0 is 200 without a body. No page shows the answer; the related
	// indicators/BatchDelete documents 204.
	DeleteStatus int

	// CreateStatus answers an add: 0 is 200, as documented. Public clients expect 201 as well.
	CreateStatus int

	// IgnoreUnknownFields drops names that are unknown or in the wrong case, vault references included.
	// Otherwise they are 400 InvalidRequestBody: the common-errors page says that names are case-sensitive
	// and that a wrong case may show as InvalidRequestBody or as MissingRequiredParameter.
	IgnoreUnknownFields bool

	// OtherIDOnUpdate makes PATCH answer with an id other than the one in the path, as the newer page's
	// example does. The stored definition keeps its id.
	OtherIDOnUpdate bool

	// WrapEntities puts the entity that add and PATCH answer with into a value array of one, as the agent
	// page does with its single entity.
	WrapEntities bool

	// PageSize pages both lists through @odata.nextLink; 0 means no paging. No page of this family shows a
	// nextLink.
	PageSize int

	// RefuseWindows refuses to create or update Windows scans, which Microsoft retired on 2025-12-18; they
	// are still listed and can be deleted. Whether the live service refuses, and how, is undocumented.
	RefuseWindows bool

	// PerMinute and PerHour limit the calls; past them 429 TooManyRequests with Retry-After in seconds.
	// 0 means no limit. Every page of the family documents 100 and 1,500.
	PerMinute, PerHour int

	// Roles are the application roles of the caller's token. nil means unchecked; otherwise reads (both
	// history POSTs among them) need Machine.Read.All and writes Machine.ReadWrite.All, as documented.
	Roles []string

	// Token is the one bearer token accepted; "" accepts any, but still demands one.
	Token string

	// Empty starts without the seeded scanners and scans.
	Empty bool
}

func (o Options) keyVaultField() string { return cmp.Or(o.KeyVaultField, "keyVaultUri") }
