package simulator

import (
	"net/url"
	"time"
)

// The API version, and its operations for usage exports and for usage detail exports.
const (
	Version = "2018-05-10"

	UsageAction       = "DescribeUserUsageDataExportTask"
	CreateUsageAction = "CreateUserUsageDataExportTask"
	DeleteUsageAction = "DeleteUserUsageDataExportTask"

	DetailAction       = "DescribeUserUsageDetailDataExportTask"
	CreateDetailAction = "CreateUsageDetailDataExportTask"
	DeleteDetailAction = "DeleteUsageDetailDataExportTask"
)

// operation describes what a call of an action does.
type operation struct {
	// list is the action that lists the tasks concerned.
	list string
	// edits says whether the operation creates or deletes tasks.
	edits bool
	// perform returns the body of the response.
	perform func(request) (body any, apiErr *apiError)
}

var operations = map[string]operation{
	UsageAction:        {list: UsageAction, perform: listTasks},
	CreateUsageAction:  {list: UsageAction, edits: true, perform: createTask},
	DeleteUsageAction:  {list: UsageAction, edits: true, perform: deleteTask},
	DetailAction:       {list: DetailAction, perform: listTasks},
	CreateDetailAction: {list: DetailAction, edits: true, perform: createTask},
	DeleteDetailAction: {list: DetailAction, edits: true, perform: deleteTask},
}

// request is an authorized call.
type request struct {
	id      string
	action  string
	list    string // the action that lists the tasks concerned
	params  url.Values
	now     time.Time
	account Account
	editor  Editor // of the account; not nil if the operation edits
}
