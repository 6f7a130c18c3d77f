// For writing extensions of a Troupe server in AssemblyScript: hooks around what happens to records, and routes. It wraps
// ../../abi.md and adds nothing to it.
//
//   import { GET, JSONObject, name, Request } from "…/sdk/assemblyscript";
//   export { alloc, handle } from "…/sdk/assemblyscript";
//
//   name("greeter", "1.0.0");
//   GET("/hello/{name}", (r: Request): void => {
//     r.json(200, new JSONObject().text("hello", r.param("name")));
//   });
//
// Register everything at the top level. The options that asc needs are in asconfig.json beside this file. Handlers are
// functions without captured variables: AssemblyScript has no closures. An instance serves one call at a time, and which one
// serves a call is not defined: a global variable is a cache at most.
export { aborted, Errno, HostError, Level, log, now, pendingError, random, takeError } from "./host";
export { JSONArray, JSONObject } from "./json";
export { Record } from "./record";
export { asCaller, asExtension, Query, Rows, sql, SQLRows } from "./data";
export { Request } from "./request";
export { alloc, allowCollections, allowSQL, askFor, Event, handle, Hook, name, on, require, Route, route } from "./extension";
export { reject, rejectField } from "./refusal";
export { transaction } from "./transaction";
export * from "./shortcuts";
