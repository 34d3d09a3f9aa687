package rule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/interpreter"

	"scanwarden/confirm"
)

// The limits of one evaluation. A plain rule costs about ten steps, and one that reads each of 1,000 scans a few
// thousand. Steps stop a rule at the same point on every machine; the timeout is for a machine that stalls.
const (
	maxCost        = 100_000
	evalTimeout    = 5 * time.Second
	interruptEvery = 100 // iterations of a loop between two checks of the timeout
	maxDepth       = 50  // nested brackets
)

// evaluate reports whether the compiled condition matches a change.
func evaluate(program cel.Program, c confirm.RuleInput) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), evalTimeout)
	defer cancel()
	values := map[string]any{}
	for _, v := range ruleVariables() {
		values[v.Name] = v.value(c)
	}
	result, _, err := program.ContextEval(ctx, values)
	var stopped interpreter.EvalCancelledError
	switch {
	case errors.As(err, &stopped) && stopped.Cause == interpreter.CostLimitExceeded:
		return false, errors.New("it takes too many steps; write it in a simpler way")
	case err != nil && ctx.Err() != nil:
		return false, errors.New("it takes too long; write it in a simpler way")
	case err != nil:
		return false, fmt.Errorf("it has no answer here: %w", err)
	}
	holds, ok := result.Value().(bool)
	if !ok {
		return false, errors.New("its result is neither true nor false; compare its value with something")
	}
	return holds, nil
}
