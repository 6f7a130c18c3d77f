import { Event, Hook, on, Route, route } from "./extension";
import { Request } from "./request";

type Handler = (e: Event) => void;
type RouteHandler = (r: Request) => void;

/** Called before a new record is checked and written. */
export function onRecordCreate(f: Handler, collections: string[] = []): Hook {
  return on("record.create", f, collections);
}

/** Called before a changed record is checked and written. */
export function onRecordUpdate(f: Handler, collections: string[] = []): Hook {
  return on("record.update", f, collections);
}

/** Called before a record is deleted. */
export function onRecordDelete(f: Handler, collections: string[] = []): Hook {
  return on("record.delete", f, collections);
}

/** Called around the check of a record. */
export function onRecordValidate(f: Handler, collections: string[] = []): Hook {
  return on("record.validate", f, collections);
}

/** Called when a record is about to be shown to somebody; the record is a copy. */
export function onRecordEnrich(f: Handler, collections: string[] = []): Hook {
  return on("record.enrich", f, collections);
}

export function GET(path: string, run: RouteHandler): Route {
  return route("GET", path, run);
}

export function POST(path: string, run: RouteHandler): Route {
  return route("POST", path, run);
}

export function PUT(path: string, run: RouteHandler): Route {
  return route("PUT", path, run);
}

export function PATCH(path: string, run: RouteHandler): Route {
  return route("PATCH", path, run);
}

export function DELETE(path: string, run: RouteHandler): Route {
  return route("DELETE", path, run);
}
