package tools

import (
	"context"

	"scanwarden/confirm"
)

var withdrawChange = answering(Operation{
	Name:        "withdraw_change",
	Title:       "Withdraw change",
	Description: "Take back a change of yours that nobody has confirmed yet.",
	Effect:      Manages,
	Idempotent:  true,
}, (*Service).withdrawChange)

type withdrawInput struct {
	ChangeID string `json:"change_id" jsonschema:"required,example=01JD3Y8K2Q5V7W9X1Z3B5C7D9F" jsonschema_description:"As a proposal returned it"`
}

func (d *Service) withdrawChange(ctx context.Context, by Caller, in withdrawInput) (Result, error) {
	if in.ChangeID == "" {
		return Result{}, refuse("change_id", "change_id is missing").then("call get_change to list your open changes")
	}
	if err := d.needGate(); err != nil {
		return Result{}, err
	}
	c, err := d.cfg.Gate.Withdraw(ctx, in.ChangeID, confirm.Requester{Principal: by.Principal, Agent: by.Agent})
	if err != nil {
		return Result{}, err
	}
	return ResultOf(c), nil
}
