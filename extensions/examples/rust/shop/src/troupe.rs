//! A safe face for what the shop needs of the ABI, as extensions/abi.md describes it.

use std::cell::RefCell;

/// The host's functions, named as in abi.md. They look at the memory they are given only until they return.
mod host {
    #[link(wasm_import_module = "troupe_1")]
    extern "C" {
        pub fn error_message(buf: *mut u8, cap: usize) -> i32;
        pub fn error_status() -> i32;
        pub fn log(level: i32, ptr: *const u8, len: usize) -> i32;
        pub fn record_text(h: i32, name: *const u8, nlen: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn record_number(h: i32, name: *const u8, nlen: usize, out: *mut f64) -> i32;
        pub fn find(authority: i32, coll: *const u8, clen: usize, id: *const u8, idlen: usize) -> i32;
        pub fn create(authority: i32, coll: *const u8, clen: usize, ptr: *const u8, len: usize) -> i32;
        pub fn update(authority: i32, coll: *const u8, clen: usize, id: *const u8, idlen: usize, ptr: *const u8, len: usize) -> i32;
        pub fn sql(ptr: *const u8, len: usize, params: *const u8, plen: usize) -> i32;
        pub fn rows_next(rows: i32) -> i32;
        pub fn rows_json(rows: i32, buf: *mut u8, cap: usize) -> i32;
        pub fn close(h: i32) -> i32;
        pub fn transaction_begin() -> i32;
        pub fn transaction_commit() -> i32;
        pub fn transaction_rollback() -> i32;
        pub fn request(part: i32, name: *const u8, nlen: usize, buf: *mut u8, cap: usize) -> i32;
        pub fn auth() -> i32;
        pub fn reject(status: i32, ptr: *const u8, len: usize) -> i32;
        pub fn reject_field(name: *const u8, nlen: usize, code: *const u8, clen: usize, msg: *const u8, mlen: usize) -> i32;
        pub fn pass_on() -> i32;
    }
}

/// What the host asks for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Op {
    Describe,
    Before,
    After,
    Route,
}

/// Why a host function failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    Invalid,
    NotFound,
    Forbidden,
    Failed,
    Busy,
    Limit,
    Context,
    Internal,
}

impl Errno {
    fn of(result: i32) -> Errno {
        match result {
            -1 => Errno::Invalid,
            -2 => Errno::NotFound,
            -3 => Errno::Forbidden,
            -4 => Errno::Failed,
            -5 => Errno::Busy,
            -6 => Errno::Limit,
            -7 => Errno::Context,
            _ => Errno::Internal,
        }
    }

    /// What a request is answered with when the failure was no refusal.
    fn status(self, op: Op) -> i32 {
        match self {
            Errno::NotFound if op == Op::Route => 404, // in a hook it is a mistake of the extension's
            Errno::Forbidden => 403,
            Errno::Failed => 400,
            Errno::Busy => 503,
            _ => 500,
        }
    }
}

/// The extension's own no.
pub struct Refusal {
    status: i32,
    field: Option<(String, String)>, // name and code
    message: String,
}

impl Refusal {
    /// Ends what is under way with a status and a message for the client.
    pub fn status(status: i32, message: &str) -> Refusal {
        Refusal { status, field: None, message: message.to_string() }
    }

    /// Refuses the value of a field, as validation does. Code is for programs, message for people.
    pub fn field(name: &str, code: &str, message: &str) -> Refusal {
        Refusal { status: 400, field: Some((name.to_string(), code.to_string())), message: message.to_string() }
    }

    fn tell(&self) -> Outcome<()> {
        let m = &self.message;
        check(
            "reject",
            match &self.field {
                Some((name, code)) => unsafe {
                    host::reject_field(name.as_ptr(), name.len(), code.as_ptr(), code.len(), m.as_ptr(), m.len())
                },
                None => unsafe { host::reject(self.status, m.as_ptr(), m.len()) },
            },
        )
        .map(|_| ())
    }
}

/// Why a call comes to nothing.
pub enum Failure {
    /// A host function failed. Status and message are what refused it said; the status is 0 if nothing refused it.
    Host { call: &'static str, errno: Errno, status: i32, message: String },
    /// The extension says no.
    Refused(Refusal),
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Failure {
        Failure::Refused(refusal)
    }
}

/// The outcome of whatever can fail.
pub type Outcome<T> = Result<T, Failure>;

/// Makes an error of a negative result.
fn check(call: &'static str, result: i32) -> Outcome<i32> {
    match result {
        0.. => Ok(result),
        _ => Err(failure(call, result)),
    }
}

/// What the host says of the call that has just failed.
fn failure(call: &'static str, result: i32) -> Failure {
    Failure::Host { call, errno: Errno::of(result), status: unsafe { host::error_status() }, message: last_message() }
}

fn last_message() -> String {
    fill(|buf, cap| unsafe { host::error_message(buf, cap) }).unwrap_or_default()
}

/// Lets the host fill in a value, a second time if there was too little room. The error is the host's number.
fn fill(call: impl Fn(*mut u8, usize) -> i32) -> Result<String, i32> {
    let mut buf = vec![0; 256];
    loop {
        let n = call(buf.as_mut_ptr(), buf.len());
        let size = usize::try_from(n).map_err(|_| n)?;
        if size <= buf.len() {
            buf.truncate(size);
            return Ok(String::from_utf8(buf).expect("the host gives UTF-8"));
        }
        buf.resize(size, 0);
    }
}

/// A record of the server. Its handle is given up with it, apart from that of the event's record, which belongs to the call.
pub struct Record(i32);

const EVENT_RECORD: i32 = 1;

impl Record {
    /// The record that a hook is about.
    pub fn of_event() -> Record {
        Record(EVENT_RECORD)
    }

    /// A field as text.
    pub fn text(&self, name: &str) -> Outcome<String> {
        fill(|buf, cap| unsafe { host::record_text(self.0, name.as_ptr(), name.len(), buf, cap) }).map_err(|n| failure("record_text", n))
    }

    /// A number field.
    pub fn number(&self, name: &str) -> Outcome<f64> {
        let mut value = 0.0;
        check("record_number", unsafe { host::record_number(self.0, name.as_ptr(), name.len(), &mut value) })?;
        Ok(value)
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if self.0 != EVENT_RECORD {
            unsafe { host::close(self.0) };
        }
    }
}

/// Under whose rules data is reached.
#[derive(Clone, Copy)]
pub struct Authority(i32);

/// Whoever makes the request, under the rules of the collections.
pub const CALLER: Authority = Authority(0);
/// This extension: no rules, but only what the description's permissions name.
pub const EXTENSION: Authority = Authority(1);

impl Authority {
    /// A record by its id.
    pub fn find(self, collection: &str, id: &str) -> Outcome<Record> {
        check("find", unsafe { host::find(self.0, collection.as_ptr(), collection.len(), id.as_ptr(), id.len()) }).map(Record)
    }

    /// Creates a record from a JSON object; hooks fire for it.
    pub fn create(self, collection: &str, json: &str) -> Outcome<Record> {
        check("create", unsafe { host::create(self.0, collection.as_ptr(), collection.len(), json.as_ptr(), json.len()) }).map(Record)
    }

    /// Changes a record with a JSON object; hooks fire for it.
    pub fn update(self, collection: &str, id: &str, json: &str) -> Outcome<Record> {
        let (c, i, j) = (collection, id, json);
        check("update", unsafe { host::update(self.0, c.as_ptr(), c.len(), i.as_ptr(), i.len(), j.as_ptr(), j.len()) }).map(Record)
    }
}

/// Runs one statement with an object of parameters.
pub fn sql(statement: &str, params: &str) -> Outcome<Rows> {
    check("sql", unsafe { host::sql(statement.as_ptr(), statement.len(), params.as_ptr(), params.len()) }).map(Rows)
}

/// The rows of a statement, each as a JSON array.
pub struct Rows(i32);

impl Iterator for Rows {
    type Item = Outcome<String>;

    fn next(&mut self) -> Option<Outcome<String>> {
        match check("rows_next", unsafe { host::rows_next(self.0) }) {
            Ok(0) => None,
            Ok(_) => Some(fill(|buf, cap| unsafe { host::rows_json(self.0, buf, cap) }).map_err(|n| failure("rows_json", n))),
            Err(e) => Some(Err(e)),
        }
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        unsafe { host::close(self.0) };
    }
}

/// A transaction of a route. It is rolled back when it is dropped without a commit, so an early return takes everything back.
pub struct Transaction {
    open: bool,
}

impl Transaction {
    /// Begins a transaction; other writers wait until it ends.
    pub fn begin() -> Outcome<Transaction> {
        check("transaction_begin", unsafe { host::transaction_begin() }).map(|_| Transaction { open: true })
    }

    /// Writes what was done in it. Nothing of it was written where that fails.
    pub fn commit(mut self) -> Outcome<()> {
        self.open = false;
        check("transaction_commit", unsafe { host::transaction_commit() }).map(|_| ())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.open {
            unsafe { host::transaction_rollback() };
        }
    }
}

/// A part of the request that has no name, or is asked for by name.
#[derive(Clone, Copy)]
pub enum Part {
    Param = 2,
    Query = 3,
    Body = 5,
}

/// A part of the request; what it does not have is empty.
pub fn request(part: Part, name: &str) -> Outcome<String> {
    match fill(|buf, cap| unsafe { host::request(part as i32, name.as_ptr(), name.len(), buf, cap) }) {
        Err(n) if Errno::of(n) == Errno::NotFound => Ok(String::new()),
        part => part.map_err(|n| failure("request", n)),
    }
}

/// The record that is signed in. There is none for a guest, or where a hook has no request.
pub fn auth() -> Outcome<Option<Record>> {
    match unsafe { host::auth() } {
        n if n < 0 && matches!(Errno::of(n), Errno::NotFound | Errno::Context) => Ok(None),
        n => check("auth", n).map(|handle| Some(Record(handle))),
    }
}

thread_local! { // the module has one thread
    /// What the host was given room for in this call.
    static GIVEN: RefCell<Vec<Box<[u64]>>> = const { RefCell::new(Vec::new()) };
    /// What the host was given last: it copies it before it calls again.
    static ANSWER: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Room for bytes of the host's, until `handle` returns.
#[no_mangle]
pub extern "C" fn alloc(size: usize) -> *mut u8 {
    let mut room = vec![0u64; size / 8 + 1].into_boxed_slice();
    let at = room.as_mut_ptr().cast();
    GIVEN.with(|given| given.borrow_mut().push(room));
    at
}

/// Does what the host asks for.
#[no_mangle]
pub extern "C" fn handle(op: i32, index: u32, _ptr: *const u8, _len: usize) -> u64 {
    let op = match op {
        0 => Op::Describe,
        1 => Op::Before,
        2 => Op::After,
        _ => Op::Route,
    };
    let answer = crate::dispatch(op, index).unwrap_or_else(|failure| {
        refuse(failure, op);
        String::new()
    });
    GIVEN.with(|given| given.borrow_mut().clear());
    ANSWER.with(|kept| {
        let mut kept = kept.borrow_mut();
        *kept = answer;
        match kept.len() {
            0 => 0,
            len => (kept.as_ptr() as u64) << 32 | len as u64,
        }
    })
}

/// Ends what is under way because of a failure: as what refused it said, or else with a status that fits; then its text is for the log.
fn refuse(failure: Failure, op: Op) {
    let untold = match failure {
        Failure::Refused(refusal) => refusal.tell().err(),
        host => Some(host),
    };
    if let Some(Failure::Host { call, errno, status, message }) = untold {
        if (status != 0 || errno == Errno::Busy) && pass_on(status, &message) {
            return;
        }
        let line = format!("{call}: {errno:?}: {message}");
        unsafe {
            host::log(LOG_ERROR, line.as_ptr(), line.len());
            host::reject(errno.status(op), std::ptr::null(), 0);
        }
    }
}

const LOG_ERROR: i32 = 8;

/// Answers what refused a host call as it was said, and a lack of room or time as it is. The host knows how the last call failed that did,
/// so it is compared.
fn pass_on(status: i32, message: &str) -> bool {
    status == unsafe { host::error_status() } && last_message() == message && unsafe { host::pass_on() } >= 0
}
