package apiclient

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// PageSize is the number of tasks requested per page: the most that the API allows.
const PageSize = 50

// The maximum lengths of a task's id and name, in bytes. The API's own ids have about 10 bytes.
const (
	maxIDBytes   = 128
	maxNameBytes = 256
)

// Page is one page of a list.
type Page struct {
	// Number and Size are the PageNumber and PageSize that the response echoes, or 0 if it
	// echoes none.
	Number, Size int
	// TotalCount is the number of tasks in the whole list.
	TotalCount int
	// Tasks holds at most PageSize tasks in the API's order. It is nil if the response counts
	// tasks but does not list them.
	Tasks []Task
}

// wirePage is a page as the API writes it.
type wirePage struct {
	UsageDataPerPage *struct {
		PageNumber wireInt  `json:"PageNumber"`
		PageSize   wireInt  `json:"PageSize"`
		TotalCount *wireInt `json:"TotalCount"`
		Data       *struct {
			DataItem wireTasks `json:"DataItem"`
		} `json:"Data"`
	} `json:"UsageDataPerPage"`
}

// wireTasks holds at most PageSize tasks. A body of the maximum size could contain hundreds of
// thousands of empty ones.
type wireTasks []wireTask

// UnmarshalJSONFrom fails with errPageTooLong if there are more than PageSize tasks.
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

// decodePage decodes the body of a successful response. number is the page's number. On the
// first page, a missing list is an error unless TotalCount is 0. A later page may be beyond the
// end of the list. Errors do not quote the body.
func decodePage(body []byte, number int) (Page, error) {
	var wire wirePage
	if err := json.Unmarshal(body, &wire, lenient); err != nil {
		return Page{}, unmarshalError(err)
	}
	usage := wire.UsageDataPerPage
	switch {
	case usage == nil:
		return Page{}, errors.New("what answers is not the API: no UsageDataPerPage")
	case usage.TotalCount == nil:
		return Page{}, shapeError("no TotalCount")
	case *usage.TotalCount < 0:
		return Page{}, shapeError("a negative TotalCount")
	case number == 1 && *usage.TotalCount > 0 && (usage.Data == nil || usage.Data.DataItem == nil):
		return Page{}, shapeError("no DataItem although TotalCount is not 0")
	}
	page := Page{Number: int(usage.PageNumber), Size: int(usage.PageSize), TotalCount: int(*usage.TotalCount)}
	if usage.Data == nil || usage.Data.DataItem == nil && page.TotalCount > 0 {
		return page, nil
	}
	page.Tasks = make([]Task, 0, len(usage.Data.DataItem))
	for i := range usage.Data.DataItem {
		task := &usage.Data.DataItem[i]
		if task.TaskID == "" {
			return Page{}, shapeError("a task without a TaskId")
		}
		if len(task.TaskID) > maxIDBytes {
			return Page{}, shapeError(fmt.Sprintf("a TaskId of more than %d bytes", maxIDBytes))
		}
		page.Tasks = append(page.Tasks, Task{
			ID:      string(task.TaskID),
			Name:    cutName(task.TaskName),
			Status:  Status(task.Status),
			Created: task.CreateTime.first,
			Updated: task.UpdateTime.first,
			Start:   task.TaskConfig.StartTime.first,
			End:     task.TaskConfig.EndTime.last,
		})
	}
	return page, nil
}

// shapeError is an error about the structure of a page. Its cause is ErrShape.
type shapeError string

// Error describes the difference.
func (e shapeError) Error() string { return string(e) }

// Is reports whether target is ErrShape.
func (e shapeError) Is(target error) bool { return target == ErrShape }

// unmarshalError returns the error for a body that cannot be decoded. It names members of a
// page and kinds of values, and does not quote the body.
func unmarshalError(err error) error {
	if errors.Is(err, errPageTooLong) {
		return shapeError(errPageTooLong.Error())
	}
	semantic, ok := errors.AsType[*json.SemanticError](err)
	// The pointer of a SemanticError contains only names of a page's members. Other errors may
	// quote the body.
	if !ok || semantic.JSONPointer == "" {
		return errors.New("what answers is not the API: the body is not a list of tasks in JSON")
	}
	text := strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".")
	kinds := map[jsontext.Kind]string{
		'[': "a list", '{': "an object", '"': "a text", '0': "a number", 't': "true", 'f': "false", 'n': "null",
	}
	kind := kinds[semantic.JSONKind]
	switch {
	case kind == "":
		text += " has an unexpected value"
	case semantic.GoType.Kind() == reflect.Struct:
		text += " is " + kind + ", not an object"
	default:
		text += " is " + kind
	}
	return shapeError(text)
}

// cutName shortens a name to maxNameBytes without splitting a character.
func cutName(name string) string {
	if len(name) <= maxNameBytes {
		return name
	}
	end := maxNameBytes
	for end > 0 && !utf8.RuneStart(name[end]) {
		end--
	}
	return strings.Clone(name[:end]) // Do not keep the rest in memory.
}

// wireInt is a number, which older versions of the API write as a string.
type wireInt int64

// UnmarshalJSONFrom reads 7 and "7".
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

// wireID is a string in every SDK and a bare number in recorded responses.
type wireID string

// UnmarshalJSONFrom reads 7 and "7" as the same id.
func (id *wireID) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := scalar(d, '"', '0')
	*id = wireID(text)
	return err
}

// wireStatus is a status in upper or lower case.
type wireStatus Status

// UnmarshalJSONFrom reads every string, and null, as one of the statuses.
func (s *wireStatus) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := scalar(d, '"')
	*s = wireStatus(parseStatus(string(text)))
	return err
}

// wireTime is a time such as "2019-12-31T08:43:21Z", or a whole minute such as
// "2019-12-31T08:43Z". first and last are its first and last second. Both are 0 if the text is
// empty, and InvalidTime if it is not a time. The task counts in either case.
type wireTime struct{ first, last Timestamp }

// toTheMinute is RFC 3339 without seconds.
const toTheMinute = "2006-01-02T15:04Z07:00"

// UnmarshalJSONFrom reads every string, and null.
func (t *wireTime) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	text, err := scalar(d, '"')
	*t = parseTime(string(text))
	return err
}

func parseTime(text string) wireTime {
	if text == "" {
		return wireTime{}
	}
	seconds := Timestamp(0) // after the first one
	parsed, err := time.Parse(time.RFC3339, text)
	if err != nil {
		seconds = 59
		parsed, err = time.Parse(toTheMinute, text)
	}
	if err != nil || parsed.UTC().Year() < 2000 {
		return wireTime{InvalidTime, InvalidTime}
	}
	first := Timestamp(parsed.Unix())
	return wireTime{first, first + seconds}
}

// scalar reads a value of one of the kinds and returns its text without quotes, or nil for
// null. The text is valid until the next read.
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
		// The decoder has checked the syntax. The only possible error is invalid UTF-8, which
		// is replaced.
		unquoted, _ := jsontext.AppendUnquote(nil, value)
		return unquoted, nil
	}
}
