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

// What one evaluation may take. A plain rule costs about ten steps, and one that looks at each of 1,000 scans a
// few thousand. The steps are what stops a rule, the same on every machine; the time is for a machine that stalls.
const (
	maxCost        = 100_000
	evalTimeout    = 5 * time.Second
	interruptEvery = 100 // rounds of a loop between two looks at the time
	maxDepth       = 50  // brackets inside brackets
)

// evaluate answers whether a rule holds for a change.
func evaluate(program cel.Program, c confirm.RuleInput) (bool, error) {
	ctx, cancel := context.WithTimeout(context.Background(), evalTimeout)
	defer cancel()
	values := map[string]any{}
	for _, n := range ruleVariables() {
		values[n.Name] = n.value(c)
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
	holds, is := result.Value().(bool)
	if !is {
		return false, errors.New("it answers neither yes nor no; compare its value with something")
	}
	return holds, nil
}
