/* An extension that derives the slug of a post from its title, refuses a word in titles, and says hello. */
#include "../../../sdk/c/troupe.h"

static char lower(char c) { return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c; }

static bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/* Keeps ASCII letters, in lower case, and digits; each run of anything else becomes one dash, none at the ends. */
static int32_t slugify(troupe_text title, troupe_text *slug) {
    char *out = troupe_alloc(title.len);
    if (!out)
        return TROUPE_LIMIT;
    uint32_t n = 0;
    bool gap = false;
    for (uint32_t i = 0; i < title.len; i++) {
        char c = lower(title.ptr[i]);
        if (!is_alphanumeric(c)) {
            gap = n > 0;
            continue;
        }
        if (gap)
            out[n++] = '-';
        gap = false;
        out[n++] = c;
    }
    *slug = (troupe_text){out, n};
    return TROUPE_OK;
}

/* Whether text has word, which is in lower case, between other characters than ASCII letters and digits. */
static bool contains_word(troupe_text text, troupe_text word) {
    for (uint32_t i = 0; i + word.len <= text.len; i++) {
        if (i > 0 && is_alphanumeric(lower(text.ptr[i - 1])))
            continue;
        uint32_t n = 0;
        while (n < word.len && lower(text.ptr[i + n]) == word.ptr[n])
            n++;
        if (n == word.len && (i + n == text.len || !is_alphanumeric(lower(text.ptr[i + n]))))
            return true;
    }
    return false;
}

static int32_t slug(troupe_text *state) {
    (void)state;
    troupe_text title, slug;
    TROUPE_TRY(troupe_get_text(TROUPE_RECORD, "title", &title));
    if (contains_word(title, TROUPE_T("forbidden")))
        return troupe_reject_field("title", "validation_forbidden_word", "The word \"forbidden\" is not allowed.");
    TROUPE_TRY(slugify(title, &slug));
    return troupe_set_text(TROUPE_RECORD, "slug", slug);
}

static int32_t hello(void) {
    troupe_text name;
    TROUPE_TRY(troupe_request(TROUPE_PARAM, TROUPE_T("name"), &name));
    troupe_json j = troupe_object();
    troupe_put_text(&j, "hello", name);
    troupe_put_text(&j, "lang", TROUPE_T("c"));
    return troupe_answer_json(200, &j);
}

static const troupe_hook hooks[] = {
    {.event = "record.create", .collections = TROUPE_LIST("posts"), .before = slug},
    {.event = "record.update", .collections = TROUPE_LIST("posts"), .before = slug},
};

static const troupe_route routes[] = {
    {.method = "GET", .path = "/hello/{name}", .run = hello},
};

TROUPE_EXTENSION(.name = "slugs-c", .version = "1.0.0", TROUPE_HOOKS(hooks), TROUPE_ROUTES(routes))
