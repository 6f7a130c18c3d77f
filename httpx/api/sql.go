package api

import (
	"net/http"
	"time"

	"github.com/troupebase/troupe/actors/console"
	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/validation"
)

// maxSQL is how many bytes the query of a superuser may have.
const maxSQL = 5000

// sqlAnswer is what a query gave.
type sqlAnswer struct {
	ExecTime int64       `json:"execTime"`
	Affected int         `json:"affectedRows"`
	Columns  []sqlColumn `json:"columns"`
	Rows     [][]*string `json:"rows"`
}

type sqlColumn struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Nullable bool   `json:"nullable"`
}

// sqlHandlers run the SQL of superusers.
type sqlHandlers struct{ console *console.Console }

// run runs an SQL statement.
func (h *sqlHandlers) run(c *httpx.Context) error {
	var form struct {
		Query string `json:"query"`
	}
	if err := c.Bind(&form); err != nil {
		return httpx.Loading(err)
	}
	switch {
	case form.Query == "":
		return httpx.Invalid(validateFailed, validation.Errors{"query": validation.Required})
	case len(form.Query) > maxSQL:
		return httpx.Invalid(validateFailed, validation.Errors{"query": tooLong(maxSQL)})
	}
	started := time.Now()
	result, err := h.console.Run(acting(c), form.Query)
	defer result.Release()
	if err != nil {
		return runningSQL.failed(err)
	}
	out := sqlAnswer{ExecTime: time.Since(started).Milliseconds(), Affected: result.Affected, Columns: []sqlColumn{}, Rows: result.Rows}
	for _, col := range result.Columns {
		out.Columns = append(out.Columns, sqlColumn{Name: col.Name, Type: col.Type, Nullable: true})
	}
	if out.Rows == nil {
		out.Rows = [][]*string{}
	}
	return c.SendJSON(http.StatusOK, out)
}
