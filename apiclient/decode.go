package apiclient

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// PageSize is the number of tasks asked for in a page: the most the API allows.
const PageSize = 50

// Page is one answer of a list operation.
type Page struct {
	// Number is the PageNumber that the answer echoes, 0 where it does not.
	Number int
	// TotalCount is the number of tasks in the whole list.
	TotalCount int
	// Tasks holds at most PageSize tasks in the API's order.
	Tasks []Task
}

// answer is the API's answer as it is on the wire.
type answer struct {
	UsageDataPerPage *struct {
		PageNumber wireInt  `json:"PageNumber"`
		TotalCount *wireInt `json:"TotalCount"`
		Data       *struct {
			DataItem wireTasks `json:"DataItem"`
		} `json:"Data"`
	} `json:"UsageDataPerPage"`
}

// wireTasks holds no more than a page, however many an answer has: a body within
// its bound has room for a million empty ones.
type wireTasks []wireTask

func (t *wireTasks) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	*t = nil
	switch kind := d.PeekKind(); kind {
	case 'n':
		return d.SkipValue()
	case '[':
	default:
		return fmt.Errorf("unexpected kind %v", kind)
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	*t = make(wireTasks, 0, PageSize)
	for d.PeekKind() != ']' {
		if len(*t) == PageSize {
			return errPageTooLong
		}
		*t = append(*t, wireTask{})
		if err := json.UnmarshalDecode(d, &(*t)[len(*t)-1]); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

var errPageTooLong = fmt.Errorf("more than %d tasks in a page", PageSize)

type wireTask struct {
	TaskID     wireID     `json:"TaskId"`
	TaskName   string     `json:"TaskName"`
	Status     wireStatus `json:"Status"`
	CreateTime wireTime   `json:"CreateTime"`
	UpdateTime wireTime   `json:"UpdateTime"`
	TaskConfig struct {
		StartTime wireTime `json:"StartTime"`
		EndTime   wireTime `json:"EndTime"`
	} `json:"TaskConfig"`
}

// decodePage reads the body of a successful answer. Tasks are appended to into.
// It fails rather than read a list that is not there as an empty one.
func decodePage(body []byte, into []Task) (Page, error) {
	var a answer
	if err := json.Unmarshal(body, &a, lenient); errors.Is(err, errPageTooLong) {
		return Page{}, errPageTooLong
	} else if err != nil {
		return Page{}, errors.New("the body is not a list of tasks in JSON") // The cause may quote the body.
	}
	usage := a.UsageDataPerPage
	switch {
	case usage == nil:
		return Page{}, errors.New("no UsageDataPerPage")
	case usage.TotalCount == nil:
		return Page{}, errors.New("no TotalCount")
	case *usage.TotalCount < 0:
		return Page{}, errors.New("a negative TotalCount")
	case *usage.TotalCount > 0 && (usage.Data == nil || usage.Data.DataItem == nil):
		return Page{}, errors.New("no DataItem although TotalCount is not 0")
	}
	page := Page{Number: int(usage.PageNumber), TotalCount: int(*usage.TotalCount), Tasks: into}
	if usage.Data == nil {
		return page, nil
	}
	for i := range usage.Data.DataItem {
		wire := &usage.Data.DataItem[i]
		if wire.TaskID == "" {
			return Page{}, errors.New("a task without a TaskId")
		}
		page.Tasks = append(page.Tasks, Task{
			ID:      string(wire.TaskID),
			Name:    wire.TaskName,
			Status:  Status(wire.Status),
			Created: Timestamp(wire.CreateTime),
			Updated: Timestamp(wire.UpdateTime),
			Start:   Timestamp(wire.TaskConfig.StartTime),
			End:     Timestamp(wire.TaskConfig.EndTime),
		})
	}
	return page, nil
}

// wireInt is a number that older versions of the API write as a string.
type wireInt int64

func (n *wireInt) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := scalar(d, '"', '0')
	if err != nil {
		return err
	}
	if text == nil {
		return errors.New("a number is null")
	}
	value, err := strconv.ParseInt(string(text), 10, 64)
	*n = wireInt(value)
	return err
}

// wireID is a string in every SDK, a bare number in recorded answers.
type wireID string

func (id *wireID) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := scalar(d, '"', '0')
	*id = wireID(text)
	return err
}

type wireStatus Status

func (s *wireStatus) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := scalar(d, '"')
	*s = wireStatus(parseStatus(string(text)))
	return err
}

// wireTime is a moment as "2019-12-31T08:43:21Z". A text that is no moment is
// as good as none: the task still counts.
type wireTime Timestamp

func (t *wireTime) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := scalar(d, '"')
	*t = 0
	if moment, parseErr := time.Parse(time.RFC3339, string(text)); parseErr == nil {
		*t = wireTime(moment.Unix())
	}
	return err
}

// scalar reads a value of one of the kinds as text without its quotes; null as
// nil. The text is valid until the next read.
func scalar(d *jsontext.Decoder, kinds ...jsontext.Kind) ([]byte, error) {
	value, err := d.ReadValue()
	if err != nil {
		return nil, err
	}
	kind := value.Kind()
	switch {
	case kind == 'n':
		return nil, nil
	case !slices.Contains(kinds, kind):
		return nil, fmt.Errorf("unexpected kind %v", kind)
	case kind != '"':
		return value, nil
	case bytes.IndexByte(value, '\\') < 0:
		return value[1 : len(value)-1], nil
	default:
		// The decoder has checked the syntax, so that only bad UTF-8 is left to
		// complain about, and that is replaced.
		unquoted, _ := jsontext.AppendUnquote(nil, value)
		return unquoted, nil
	}
}
