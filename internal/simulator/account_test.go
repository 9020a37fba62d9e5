package simulator

import (
	"slices"
	"testing"
)

func TestFixedAccount(t *testing.T) {
	ids := func(tasks []Task) []string {
		var ids []string
		for _, task := range tasks {
			ids = append(ids, task.ID)
		}
		return ids
	}
	tasks := []Task{{ID: "2"}, {ID: "1"}, {ID: "3"}}
	a := NewFixedAccount(tasks...)
	before := a.Tasks(UsageAction, noon)
	tasks[0].ID = "changed"
	a.SetTasks(UsageAction, Task{ID: "4"})
	if got := ids(before); !slices.Equal(got, []string{"2", "1", "3"}) {
		t.Errorf("the list returned before the change has become %v", got)
	}
	if got := ids(a.Tasks(UsageAction, noon)); !slices.Equal(got, []string{"4"}) {
		t.Errorf("usage: %v", got)
	}
	if got := ids(a.Tasks(DetailAction, noon)); !slices.Equal(got, []string{"2", "1", "3"}) {
		t.Errorf("usage detail: %v", got)
	}
}
