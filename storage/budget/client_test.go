package budget_test

import (
	"context"
	"testing"

	"github.com/troupebase/troupe/storage/budget"
)

func TestClientOf(t *testing.T) {
	type key struct{}
	for name, c := range map[string]struct {
		ctx  context.Context
		want string
	}{
		"none":    {context.Background(), ""},
		"direct":  {budget.WithClient(context.Background(), "a"), "a"},
		"below":   {context.WithValue(budget.WithClient(context.Background(), "a"), key{}, 1), "a"},
		"nearest": {budget.WithClient(budget.WithClient(context.Background(), "a"), "b"), "b"},
	} {
		if got := budget.ClientOf(c.ctx); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	if v := budget.WithClient(context.WithValue(context.Background(), key{}, 1), "a").Value(key{}); v != 1 {
		t.Errorf("a value of the parent: %v", v)
	}
}
