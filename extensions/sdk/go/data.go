//go:build wasip1

package troupe

// Authority is under whose rules data is reached.
type Authority int32

const (
	// Caller is whoever makes the request, under the rules of the collections; a guest where there is no request.
	Caller Authority = 0
	// Extension is this extension: no rules, but only what [AllowCollections] names.
	Extension Authority = 1
)

// Query says what List looks for. The zero value is the first 30 records.
type Query struct {
	Filter string      // in the filter language; {:name} stands for a parameter
	Params *JSONObject // the filter's parameters
	Sort   string      // as in the API: "-created,title"
	Limit  int         // 30 when it is 0, 500 at most
	Offset int
}

// JSON implements JSON.
func (q Query) JSON() []byte {
	o := Object()
	if q.Filter != "" {
		o.Text("filter", q.Filter)
	}
	if q.Params != nil {
		o.Put("params", q.Params)
	}
	if q.Sort != "" {
		o.Text("sort", q.Sort)
	}
	if q.Limit != 0 {
		o.Int("limit", int64(q.Limit))
	}
	if q.Offset != 0 {
		o.Int("offset", int64(q.Offset))
	}
	return o.JSON()
}

// Find gives a record by its id.
func (a Authority) Find(collection, id string) (Record, error) {
	n := hostFind(int32(a), collection, id)
	if n < 0 {
		return Record{}, hostError("find", collection+"/"+id, n)
	}
	return Record{n}, nil
}

// List looks for records.
func (a Authority) List(collection string, q Query) (*Rows, error) {
	query, size := bytesPointer(q.JSON())
	n := hostList(int32(a), collection, query, size)
	if n < 0 {
		return nil, hostError("list", collection, n)
	}
	return &Rows{handle: n}, nil
}

// Create writes a new record; hooks fire for it. It joins the transaction of the call, if there is one.
func (a Authority) Create(collection string, values *JSONObject) (Record, error) {
	json, size := bytesPointer(values.JSON())
	n := hostCreate(int32(a), collection, json, size)
	if n < 0 {
		return Record{}, hostError("create", collection, n)
	}
	return Record{n}, nil
}

// Update changes a record; keys may carry modifiers ("count+"). Hooks and transaction are as with Create.
func (a Authority) Update(collection, id string, values *JSONObject) (Record, error) {
	json, size := bytesPointer(values.JSON())
	n := hostUpdate(int32(a), collection, id, json, size)
	if n < 0 {
		return Record{}, hostError("update", collection+"/"+id, n)
	}
	return Record{n}, nil
}

// Delete removes a record. Hooks and transaction are as with Create.
func (a Authority) Delete(collection, id string) error {
	if n := hostDelete(int32(a), collection, id); n < 0 {
		return hostError("delete", collection+"/"+id, n)
	}
	return nil
}
