//go:build wasip1

// Command tour uses all of the SDK, so that the tests can see it work.
package main

import troupe "github.com/troupebase/troupe/extensions/sdk/go"

func init() {
	troupe.Name("tour", "1.2.3")
	troupe.AllowCollections("notes")
	troupe.AllowSQL()
	troupe.Require("transactions", "pass_on", "transactions")
	troupe.OnRecordCreate(before, "notes").After(after).Priority(7)
	troupe.OnRecordUpdateError(func(e *troupe.RecordEvent) error {
		troupe.Log(troupe.Warning, "failed: "+e.Failure())
		return nil
	})
	troupe.OnRecordEnrich(func(e *troupe.RecordEvent) error {
		e.Record.Hide("secret")
		e.Record.Show("hidden")
		e.Record.SetJSON("extra", troupe.Array().Int(1).Text("x"))
		return nil
	}, "notes")
	troupe.OnBootstrap(func() error {
		troupe.Log(troupe.Info, "up")
		return nil
	})
	troupe.OnRecordUpdate(func(*troupe.RecordEvent) error { return nil }).Atomic(false)
	troupe.OnRecordCreateSuccess(func(e *troupe.RecordEvent) error {
		troupe.Log(troupe.Info, "call "+e.CallID())
		return nil
	})
	troupe.POST("/tour/{name}", tour).For(troupe.SignedIn)
	troupe.GET("/teapot", func(*troupe.Request) error { return troupe.Reject(418, "I am one.") })
	troupe.GET("/missing", func(*troupe.Request) error {
		_, err := troupe.Caller.Find("notes", "nothing")
		return err
	})
	troupe.GET("/broken", func(*troupe.Request) error { panic("broken") })
	troupe.GET("/taboo", taboo)
}

// taboo writes a note in a transaction, and in another one a note that is refused.
func taboo(*troupe.Request) error {
	create := func(title string) func() error {
		return func() error {
			_, err := troupe.Extension.Create("notes", troupe.Object().Text("id", title).Text("title", title))
			return err
		}
	}
	if err := troupe.Transaction(create("fine")); err != nil {
		return err
	}
	return troupe.Transaction(create("taboo"))
}

func before(e *troupe.RecordEvent) error {
	r := e.Record
	if _, err := r.Lookup("nothing"); err == nil || r.Original().Exists() {
		return troupe.Reject(500, "A field or an original that is not there.")
	}
	title := r.Text("title")
	r.SetNumber("count", r.Number("count")+0.5)
	r.SetBool("done", !r.Bool("done"))
	r.SetText("from", r.Collection())
	r.SetJSON("copy", troupe.Object().Text("title", title))
	if request, ok := e.Request(); ok {
		r.SetText("method", request.Method())
	}
	e.Keep([]byte("state of " + title))
	return nil
}

func after(e *troupe.RecordEvent) error {
	troupe.Log(troupe.Info, string(e.State()))
	return nil
}

func tour(r *troupe.Request) error {
	id := make([]byte, 8)
	if err := troupe.Random(id); err != nil || troupe.Now() < 1_700_000_000_000 {
		return troupe.Reject(500, "No randomness or no time.")
	}
	data := troupe.Extension
	made, err := data.Create("notes", troupe.Object().Text("id", "n1").Text("title", r.Param("name")).Int("count", 3))
	if err != nil {
		return err
	}
	if _, err = data.Update("notes", made.ID(), troupe.Object().Text("title", r.Query("q"))); err != nil {
		return err
	}
	found, err := data.Find("notes", "n1")
	if err != nil {
		return err
	}
	titles := troupe.Array()
	rows, err := data.List("notes", troupe.Query{Filter: "title = {:t}", Params: troupe.Object().Text("t", "x"), Sort: "-title", Limit: 5})
	if err != nil {
		return err
	}
	for rows.Next() {
		titles.Text(rows.Record().Text("title"))
	}
	if rows.Err() != nil {
		return rows.Err()
	}
	values := troupe.Array()
	sql, err := troupe.SQL("SELECT ?", troupe.Array().Int(42))
	if err != nil {
		return err
	}
	for sql.Next() {
		values.Put(sql.Row())
	}
	if err := data.Delete("notes", "n1"); err != nil {
		return err
	}
	_, forbidden := data.Find("users", "u1")
	if err := r.SetHeader("X-Tour", r.Header("X-Tour")); err != nil {
		return err
	}
	body, err := troupe.ParseJSON(r.Body())
	if err != nil {
		return troupe.Reject(400, "The body is no JSON.")
	}
	return r.JSON(201, troupe.Object().Put("record", troupe.Raw(found.JSON("title"))).Put("titles", titles).Put("rows", values).Int("affected", int64(sql.Affected())).
		Bool("forbidden", forbidden != nil).Text("auth", r.Auth().Text("title")).Bool("superuser", r.IsSuperuser()).Text("deep", body.Get("a", "b").Text()).
		Text("path", r.Path()).Text("address", r.Address()).Text("uri", r.URI()).Text("situation", r.Situation()))
}

func main() {}
