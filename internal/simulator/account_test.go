package simulator

import (
	"slices"
	"testing"
)

func ids(tasks []Task) []string {
	var ids []string
	for _, task := range tasks {
		ids = append(ids, task.ID)
	}
	return ids
}

func TestFixedListsAsTold(t *testing.T) {
	tasks := []Task{{ID: "2"}, {ID: "1"}, {ID: "3"}}
	f := NewFixedAccount(tasks...)
	before := f.Tasks(UsageAction, noon)
	tasks[0].ID = "changed"
	f.SetTasks(UsageAction, Task{ID: "4"})
	if got := ids(before); !slices.Equal(got, []string{"2", "1", "3"}) {
		t.Errorf("the list handed out has become %v", got)
	}
	if got := ids(f.Tasks(UsageAction, noon)); !slices.Equal(got, []string{"4"}) {
		t.Errorf("usage: %v", got)
	}
	if got := ids(f.Tasks(DetailAction, noon)); !slices.Equal(got, []string{"2", "1", "3"}) {
		t.Errorf("usage detail: %v", got)
	}
}
