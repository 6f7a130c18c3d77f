//go:build wasip1

// Command shop is an extension: an order takes what it sells out of the stock, many can be placed at once and none sells what is not
// there. It shows hooks in one transaction with the write, and a route with a transaction of its own.
//
// Collections: products (name, stock), orders (product, qty), audit (what, rec, by).
package main

import (
	"errors"
	"strconv"

	troupe "github.com/troupebase/troupe/extensions/sdk/go"
)

func init() {
	troupe.Name("shop-go", "1.0.0")
	troupe.AllowCollections("products", "orders", "audit")
	troupe.AllowSQL()
	troupe.OnRecordCreate(takeStock, "orders")
	troupe.OnRecordCreateSuccess(audit, "orders")
	troupe.POST("/shop/basket", basket).For(troupe.SignedIn)
	troupe.GET("/shop/{kind}/top", top).For(troupe.SignedIn)
}

// takeStock takes an order's goods out of the stock. The hook is atomic, as this extension may reach data: nobody else changes the stock
// between Find and Update, and when the order is refused afterwards, by a check of the collection or another hook, the stock is as it was.
// Whether qty is a number that makes sense is for the collection to check.
func takeStock(e *troupe.RecordEvent) error {
	id, qty := e.Record.Text("product"), e.Record.Number("qty")
	product, err := troupe.Extension.Find("products", id)
	if errors.Is(err, troupe.NotFound) {
		return troupe.FieldError("product", "validation_missing", "There is no such product.")
	}
	if err != nil {
		return err
	}
	stock := product.Number("stock")
	if stock < qty {
		return troupe.FieldError("qty", "validation_out_of_stock", "Only "+product.Text("stock")+" left.")
	}
	_, err = troupe.Extension.Update("products", id, troupe.Object().Number("stock", stock-qty))
	return err
}

// audit notes who placed an order, once it is committed.
func audit(e *troupe.RecordEvent) error {
	by := ""
	if r, ok := e.Request(); ok {
		if who := r.Auth(); who.Exists() {
			by = who.ID()
		}
	}
	_, err := troupe.Extension.Create("audit", troupe.Object().Text("what", "create orders").Text("rec", e.Record.ID()).Text("by", by))
	return err
}

// maxBasket is how many orders a basket has at most: other writers wait while it is placed.
const maxBasket = 50

// basket places the orders of a list, all of them or none. Each is created as whoever asks, so the rules of orders hold; a product
// that is sold out is answered as its order alone would be.
func basket(r *troupe.Request) error {
	list, err := troupe.ParseJSON(r.Body())
	if err != nil || !list.Index(0).Exists() || list.Index(maxBasket).Exists() {
		return troupe.Reject(400, "The basket has to be a list of 1 to "+strconv.Itoa(maxBasket)+" orders.")
	}
	orders := troupe.Array()
	err = troupe.Transaction(func() error {
		for _, item := range list.Items() {
			order, err := troupe.Caller.Create("orders", troupe.Object().Put("product", item.Get("product")).Put("qty", item.Get("qty")))
			if err != nil {
				return err
			}
			orders.Text(order.ID())
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.JSON(200, troupe.Object().Put("orders", orders))
}

// top lists the products whose name begins with kind, those ordered most first, each as [id, name, stock, ordered].
func top(r *troupe.Request) error {
	limit, err := strconv.Atoi(r.Query("limit"))
	if err != nil || limit < 1 || limit > 100 {
		limit = 10
	}
	rows, err := troupe.SQL(`SELECT p.id, p.name, p.stock, COALESCE(SUM(o.qty), 0) AS ordered
		FROM products p LEFT JOIN orders o ON o.product = p.id
		WHERE SUBSTR(p.name, 1, LENGTH(:kind)) = :kind
		GROUP BY p.id ORDER BY ordered DESC, p.name LIMIT :limit`,
		troupe.Object().Text("kind", r.Param("kind")).Int("limit", int64(limit)))
	if err != nil {
		return err
	}
	items := troupe.Array()
	for rows.Next() {
		items.Put(rows.Row())
	}
	if rows.Err() != nil {
		return rows.Err()
	}
	return r.JSON(200, troupe.Object().Text("by", r.Auth().ID()).Put("items", items))
}

func main() {}
