/* An extension by which an order takes what it sells out of the stock: many can be placed at once and none sells what is not there. It
 * shows hooks in one transaction with the write, and a route with a transaction of its own.
 *
 * Collections: products (name, stock), orders (product, qty), audit (what, rec, by). */
#include "../../../sdk/c/troupe.h"

/* "Only N left." */
static int32_t sold_out(int32_t product) {
    troupe_text stock;
    TROUPE_TRY(troupe_get_text(product, "stock", &stock));
    troupe_json message = {0};
    troupe_append(&message, "Only ", 5);
    troupe_append(&message, stock.ptr, stock.len);
    troupe_append(&message, " left.", 7); /* with the zero at its end */
    return message.broken ? TROUPE_LIMIT : troupe_reject_field("qty", "validation_out_of_stock", message.ptr);
}

/* Takes an order's goods out of the stock. The hook is atomic, as this extension may reach data: nobody else changes the stock between
 * find and update, and when the order is refused afterwards, by a check of the collection or another hook, the stock is as it was.
 * Whether qty is a whole number that makes sense is for the collection to check. */
static int32_t take_stock(troupe_text *state) {
    (void)state;
    troupe_text id;
    double qty, stock;
    TROUPE_TRY(troupe_get_text(TROUPE_RECORD, "product", &id));
    TROUPE_TRY(troupe_get_number(TROUPE_RECORD, "qty", &qty));
    int32_t product = troupe_find(TROUPE_AS_EXTENSION, "products", id);
    if (product == TROUPE_NOT_FOUND)
        return troupe_reject_field("product", "validation_missing", "There is no such product.");
    TROUPE_TRY(product);
    TROUPE_TRY(troupe_get_number(product, "stock", &stock));
    if (stock < qty)
        return sold_out(product);
    troupe_json changes = troupe_object();
    troupe_put_int(&changes, "stock", (int64_t)(stock - qty));
    return troupe_update(TROUPE_AS_EXTENSION, "products", id, troupe_json_end(&changes));
}

/* Notes who placed an order, once it is committed. */
static int32_t audit(troupe_text *state) {
    (void)state;
    troupe_text order, by = TROUPE_T("");
    TROUPE_TRY(troupe_get_text(TROUPE_RECORD, "id", &order));
    int32_t who = troupe_auth();
    if (who > 0)
        TROUPE_TRY(troupe_get_text(who, "id", &by));
    troupe_json row = troupe_object();
    troupe_put_text(&row, "what", TROUPE_T("create orders"));
    troupe_put_text(&row, "rec", order);
    troupe_put_text(&row, "by", by);
    return troupe_create(TROUPE_AS_EXTENSION, "audit", troupe_json_end(&row));
}

/* How many orders a basket has at most: other writers wait while it is placed. */
enum { MAX_BASKET = 50 };

typedef struct {
    troupe_text items[MAX_BASKET]; /* the JSON of each order */
    uint32_t count;
    troupe_json orders; /* the ids of those that were placed */
} shop_basket;

static bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/* Finds the elements of a JSON array, and tells whether there are 1 to MAX_BASKET. Each is whatever stands between two commas: whether
 * that is an order, the host looks at. */
static bool split(troupe_text json, shop_basket *basket) {
    uint32_t end = json.len, at = 0, depth = 0;
    while (at < end && is_space(json.ptr[at]))
        at++;
    while (end > at && is_space(json.ptr[end - 1]))
        end--;
    if (end - at < 2 || json.ptr[at] != '[' || json.ptr[end - 1] != ']')
        return false;
    uint32_t from = ++at;
    for (bool quoted = false; at < end; at++) {
        char c = json.ptr[at];
        if (quoted && c == '\\')
            at++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && depth > 0 && (c == '}' || c == ']'))
            depth--;
        else if (!quoted && depth == 0 && (c == ',' || at == end - 1)) {
            if (basket->count == MAX_BASKET || at == from)
                return false;
            basket->items[basket->count++] = (troupe_text){json.ptr + from, at - from};
            from = at + 1;
        }
    }
    return from == end;
}

static int32_t no_basket(void) { return troupe_reject(400, "The basket has to be a list of 1 to 50 orders."); }

/* Creates each order as whoever asks, so the rules of orders hold. */
static int32_t place(void *with) {
    shop_basket *basket = with;
    for (uint32_t i = 0; i < basket->count; i++) {
        int32_t order = troupe_create(TROUPE_AS_CALLER, "orders", basket->items[i]);
        if (order == TROUPE_INVALID)
            return no_basket();
        TROUPE_TRY(order);
        troupe_text id;
        TROUPE_TRY(troupe_get_text(order, "id", &id));
        troupe_put_text(&basket->orders, NULL, id);
    }
    return TROUPE_OK;
}

/* Places the orders of a list, all of them or none; a product that is sold out is answered as its order alone would be. */
static int32_t basket(void) {
    troupe_text body;
    shop_basket basket = {.count = 0};
    TROUPE_TRY(troupe_request(TROUPE_BODY, TROUPE_T(""), &body));
    if (!split(body, &basket))
        return no_basket();
    basket.orders = troupe_array();
    TROUPE_TRY(troupe_transaction(place, &basket));
    troupe_json answer = troupe_object();
    troupe_put_json(&answer, "orders", troupe_json_end(&basket.orders));
    return troupe_answer_json(200, &answer);
}

/* A number of 1 to 100 in decimal digits, or 10. */
static int64_t limit_of(troupe_text digits) {
    int64_t n = 0;
    for (uint32_t i = 0; i < digits.len && i < 4; i++) {
        if (digits.ptr[i] < '0' || digits.ptr[i] > '9')
            return 10;
        n = n * 10 + (digits.ptr[i] - '0');
    }
    return n >= 1 && n <= 100 ? n : 10;
}

/* Lists the products whose name begins with kind, those ordered most first, each as [id, name, stock, ordered]. */
static int32_t top(void) {
    troupe_text kind, limit = TROUPE_T(""), who, row;
    TROUPE_TRY(troupe_request(TROUPE_PARAM, TROUPE_T("kind"), &kind));
    troupe_request(TROUPE_QUERY, TROUPE_T("limit"), &limit); /* it may be missing */
    troupe_json params = troupe_object();
    troupe_put_text(&params, "kind", kind);
    troupe_put_int(&params, "limit", limit_of(limit));
    int32_t rows = troupe_sql("SELECT p.id, p.name, p.stock, COALESCE(SUM(o.qty), 0) AS ordered"
                              " FROM products p LEFT JOIN orders o ON o.product = p.id"
                              " WHERE SUBSTR(p.name, 1, LENGTH(:kind)) = :kind"
                              " GROUP BY p.id ORDER BY ordered DESC, p.name LIMIT :limit",
                              troupe_json_end(&params));
    TROUPE_TRY(rows);
    troupe_json items = troupe_array();
    int32_t more;
    while ((more = troupe_next(rows)) > 0) {
        TROUPE_TRY(troupe_row(rows, &row));
        troupe_put_json(&items, NULL, row);
    }
    TROUPE_TRY(more);
    int32_t caller = troupe_auth();
    TROUPE_TRY(caller);
    TROUPE_TRY(troupe_get_text(caller, "id", &who));
    troupe_json answer = troupe_object();
    troupe_put_text(&answer, "by", who);
    troupe_put_json(&answer, "items", troupe_json_end(&items));
    return troupe_answer_json(200, &answer);
}

static const troupe_hook hooks[] = {
    {.event = "record.create", .collections = TROUPE_LIST("orders"), .before = take_stock},
    {.event = "record.create.success", .collections = TROUPE_LIST("orders"), .before = audit},
};

static const troupe_route routes[] = {
    {.method = "POST", .path = "/shop/basket", .auth = "record", .run = basket},
    {.method = "GET", .path = "/shop/{kind}/top", .auth = "record", .run = top},
};

TROUPE_EXTENSION(.name = "shop-c", .version = "1.0.0", TROUPE_HOOKS(hooks), TROUPE_ROUTES(routes), .allowed = TROUPE_LIST("products", "orders", "audit"),
                 .sql = true, .requires = TROUPE_LIST("transactions"))
