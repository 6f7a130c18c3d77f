// Programs whose rewritten form must answer the same, and whose time is compared. Each exported function takes nothing.
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define EXPORT(name) __attribute__((export_name(#name)))
#define NOINLINE __attribute__((noinline))

static u32 words[1 << 14];
static u8 text[1 << 16];
static double left[64][64], right[64][64], product[64][64];

static u32 state = 1;
static u32 random32(void) {
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state;
}

// A loop of a few instructions: the worst case for anything added to it.
EXPORT(xorshift) u32 xorshift(void) {
	u32 x = 7;
	for (int i = 0; i < 1000000; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
	}
	return x;
}

EXPORT(sum) u32 sum(void) {
	for (u32 i = 0; i < 1 << 14; i++) words[i] = i * 2654435761u;
	u32 total = 0;
	for (int round = 0; round < 50; round++)
		for (u32 i = 0; i < 1 << 14; i++) total += words[i] ^ round;
	return total;
}

EXPORT(sieve) u32 sieve(void) {
	for (u32 i = 0; i < 1 << 16; i++) text[i] = 1;
	u32 primes = 0;
	for (u32 i = 2; i < 1 << 16; i++) {
		if (!text[i]) continue;
		primes++;
		for (u32 j = i + i; j < 1 << 16; j += i) text[j] = 0;
	}
	return primes;
}

EXPORT(matrix) u64 matrix(void) {
	for (int i = 0; i < 64; i++)
		for (int j = 0; j < 64; j++) left[i][j] = i + j, right[i][j] = i - j;
	for (int i = 0; i < 64; i++)
		for (int j = 0; j < 64; j++) {
			double cell = 0;
			for (int k = 0; k < 64; k++) cell += left[i][k] * right[k][j];
			product[i][j] = cell;
		}
	double trace = 0;
	for (int i = 0; i < 64; i++) trace += product[i][i];
	return (u64)(long long)trace;
}

static int compare(const void *a, const void *b) {
	u32 x = *(const u32 *)a, y = *(const u32 *)b;
	return x < y ? -1 : x > y;
}
static int (*volatile order)(const void *, const void *) = compare;

static NOINLINE void quicksort(u32 *from, u32 *to) {
	while (to - from > 1) {
		u32 *low = from, *high = to - 1, pivot = from[(to - from) / 2];
		while (low <= high) {
			while (order(low, &pivot) < 0) low++;
			while (order(high, &pivot) > 0) high--;
			if (low <= high) {
				u32 t = *low;
				*low++ = *high;
				*high-- = t;
			}
		}
		quicksort(from, high + 1);
		from = low;
	}
}

EXPORT(sort) u32 sort(void) {
	state = 42;
	for (u32 i = 0; i < 1 << 12; i++) words[i] = random32();
	quicksort(words, words + (1 << 12));
	u32 sum = 0;
	for (u32 i = 1; i < 1 << 12; i++) sum = sum * 31 + (words[i - 1] <= words[i]) + words[i];
	return sum;
}

static NOINLINE u32 fibonacci(u32 n) { return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2); }
EXPORT(fib) u32 fib(void) { return fibonacci(24); }

// An interpreter: a loop around a br_table.
EXPORT(interpret) u32 interpret(void) {
	static const u8 program[] = {0, 1, 2, 3, 4, 5, 6, 7, 3, 2, 1, 8};
	u32 a = 1, b = 2, n = 0;
	for (u32 pc = 0;;) {
		switch (program[pc]) {
		case 0: a += b; pc++; break;
		case 1: b ^= a; pc++; break;
		case 2: a <<= 1; pc++; break;
		case 3: b -= 3; pc++; break;
		case 4: a = a * 17 + n; pc++; break;
		case 5: b = b >> 1 | b << 31; pc++; break;
		case 6: words[a & 1023] = b; pc++; break;
		case 7: a += words[b & 1023]; pc++; break;
		case 8: if (++n == 30000) return a ^ b; pc = 0; break;
		}
	}
}

// Work on text as a guest does: escape a text as JSON and hash the result.
static u32 escape(const u8 *from, u32 n, u8 *to) {
	u8 *out = to;
	for (u32 i = 0; i < n; i++) {
		u8 c = from[i];
		if (c == '"' || c == '\\') {
			*out++ = '\\';
			*out++ = c;
		} else if (c < 0x20) {
			*out++ = '\\';
			*out++ = 'u';
			*out++ = '0';
			*out++ = '0';
			*out++ = "0123456789abcdef"[c >> 4];
			*out++ = "0123456789abcdef"[c & 15];
		} else
			*out++ = c;
	}
	return out - to;
}

EXPORT(json) u64 json(void) {
	u64 hash = 14695981039346656037ull;
	state = 7;
	for (u32 i = 0; i < 1 << 13; i++) text[i] = random32() & 0x7f;
	for (int round = 0; round < 20; round++) {
		u32 n = escape(text, 1 << 13, text + (1 << 13));
		for (u32 i = 0; i < n; i++) hash = (hash ^ text[(1 << 13) + i]) * 1099511628211ull;
	}
	return hash;
}

// A small helper that is not inlined, called in a loop.
static NOINLINE u32 mix(u32 a, u32 b) { return (a ^ b) * 0x9e3779b1u + (a >> 15); }
EXPORT(helper) u32 helper(void) {
	u32 x = 1;
	for (u32 i = 0; i < 300000; i++) x = mix(x, i);
	return x;
}

// Early returns out of nested loops in a function that calls itself.
static NOINLINE u32 search(u32 depth, u32 want) {
	for (u32 i = 0; i < 8; i++)
		for (u32 j = 0; j < 8; j++) {
			if (((i * 8 + j + depth) & 63) == want) return depth;
			if (depth && i == j && j == (want & 7)) return search(depth - 1, want) + 1;
		}
	return depth ? search(depth - 1, want * 7 & 63) : 99;
}
EXPORT(nested) u32 nested(void) {
	u32 sum = 0;
	for (u32 i = 0; i < 2000; i++) sum = sum * 3 + search(i & 15, i * 31 & 127);
	return sum;
}
