package tools

import (
	"context"

	"scanwarden/confirm"
)

var withdrawChange = newCallOperation(Operation{
	Name:        "withdraw_change",
	Title:       "Withdraw change",
	Description: "Withdraw a change that you proposed and that is not confirmed yet.",
	Effect:      Manages,
	Idempotent:  true,
}, (*Service).withdrawChange)

type withdrawInput struct {
	ChangeID string `json:"change_id" jsonschema:"required,example=01JD3Y8K2Q5V7W9X1Z3B5C7D9F" jsonschema_description:"The change_id that the proposing tool returned"`
}

func (s *Service) withdrawChange(ctx context.Context, by Caller, in withdrawInput) (Result, error) {
	if in.ChangeID == "" {
		return Result{}, refuse("change_id", "change_id is missing").withHint("call get_change to list your open changes")
	}
	if err := s.needGate(); err != nil {
		return Result{}, err
	}
	c, err := s.cfg.Gate.Withdraw(ctx, in.ChangeID, confirm.Requester{Principal: by.Principal, Agent: by.Agent})
	if err != nil {
		return Result{}, err
	}
	return ResultOf(c), nil
}
