/* An extension that only computes: what its loops cost shows what interruption checks cost. */
#include "../../../sdk/c/troupe.h"

/* How many numbers the sieve holds. */
enum { SIZE = 64 << 10 };

static unsigned char sieve[SIZE];

/* Hashes a sieve of Eratosthenes again and again. */
static uint32_t spin(uint32_t rounds) {
    uint32_t hash = 2166136261u;
    for (; rounds > 0; rounds--) {
        for (uint32_t i = 0; i < SIZE; i++)
            sieve[i] = 1;
        for (uint32_t i = 2; i * i < SIZE; i++) {
            if (!sieve[i])
                continue;
            for (uint32_t n = i * i; n < SIZE; n += i)
                sieve[n] = 0;
        }
        for (uint32_t i = 0; i < SIZE; i++)
            hash = (hash ^ sieve[i]) * 16777619u;
    }
    return hash;
}

static int32_t run(void) {
    troupe_text n;
    TROUPE_TRY(troupe_request(TROUPE_PARAM, TROUPE_T("n"), &n));
    uint32_t rounds = 0;
    for (uint32_t i = 0; i < n.len; i++) {
        if (n.ptr[i] < '0' || n.ptr[i] > '9' || rounds > INT32_MAX / 10 - 1)
            return troupe_reject(400, "n must be a number.");
        rounds = rounds * 10 + (uint32_t)(n.ptr[i] - '0');
    }
    uint32_t hash = spin(rounds);
    troupe_json j = troupe_object();
    troupe_put_int(&j, "rounds", rounds);
    troupe_put_int(&j, "hash", hash);
    return troupe_answer_json(200, &j);
}

static const troupe_route routes[] = {{.method = "GET", .path = "/spin/{n}", .run = run}};

TROUPE_EXTENSION(.name = "bench-c", .version = "1.0.0", TROUPE_ROUTES(routes))
