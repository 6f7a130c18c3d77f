package api

import (
	"net/http"
	"strconv"

	"github.com/troupebase/troupe/httpx"
	"github.com/troupebase/troupe/storage/records"
)

// listParams are the parameters that all lists share.
type listParams struct {
	page, perPage int
	skipTotal     bool
	sort, filter  string
}

// readListParams reads them from the query. What is missing or empty has its default, what is no number or boolean is a
// bad request.
func readListParams(c *httpx.Context) (p listParams, err error) {
	p.page, p.perPage = 1, records.DefaultPerPage
	if p.page, err = positive(c.Query("page"), p.page); err != nil {
		return p, err
	}
	if p.perPage, err = positive(c.Query("perPage"), p.perPage); err != nil {
		return p, err
	}
	p.perPage = min(p.perPage, records.MaxPerPage)
	if s := c.Query("skipTotal"); s != "" {
		if p.skipTotal, err = strconv.ParseBool(s); err != nil {
			return p, httpx.NewError(http.StatusBadRequest, "").Because(err)
		}
	}
	p.sort, p.filter = c.Query("sort"), c.Query("filter")
	return p, nil
}

// positive reads a number; zero and less give the default.
func positive(s string, byDefault int) (int, error) {
	if s == "" {
		return byDefault, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, httpx.NewError(http.StatusBadRequest, "").Because(err)
	}
	if n <= 0 {
		return byDefault, nil
	}
	return int(n), nil
}
