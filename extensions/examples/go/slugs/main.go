//go:build wasip1

// Command slugs is an extension: it derives the slug of a post from its title, refuses a word in titles, and says hello.
package main

import troupe "github.com/troupebase/troupe/extensions/sdk/go"

func init() {
	troupe.Name("slugs-go", "1.0.0")
	troupe.OnRecordCreate(slug, "posts")
	troupe.OnRecordUpdate(slug, "posts")
	troupe.GET("/hello/{name}", hello)
}

func slug(e *troupe.RecordEvent) error {
	title := e.Record.Text("title")
	if containsWord(title, "forbidden") {
		return troupe.FieldError("title", "validation_forbidden_word", `The word "forbidden" is not allowed.`)
	}
	e.Record.SetText("slug", slugify(title))
	return nil
}

func hello(r *troupe.Request) error {
	return r.JSON(200, troupe.Object().Text("hello", r.Param("name")).Text("lang", "go"))
}

func main() {}
