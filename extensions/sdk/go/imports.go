//go:build wasip1

// Code generated from the table in wasmhost/abi; DO NOT EDIT.

package troupe

import "unsafe"

// The host's functions as abi.md names them. A string travels as pointer and length. Nothing escapes: the host is done with
// every pointer when it returns.

//go:wasmimport troupe_1 error_message
//go:noescape
func hostErrorMessage(buf unsafe.Pointer, cap uint32) int32

//go:wasmimport troupe_1 error_status
func hostErrorStatus() int32

//go:wasmimport troupe_1 log
//go:noescape
func hostLog(level int32, ptr string) int32

//go:wasmimport troupe_1 now
func hostNow() int64

//go:wasmimport troupe_1 random
//go:noescape
func hostRandom(ptr unsafe.Pointer, len uint32) int32

//go:wasmimport troupe_1 record_text
//go:noescape
func hostRecordText(h int32, name string, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport troupe_1 record_set_text
//go:noescape
func hostRecordSetText(h int32, name string, ptr string) int32

//go:wasmimport troupe_1 record_number
//go:noescape
func hostRecordNumber(h int32, name string, out unsafe.Pointer) int32

//go:wasmimport troupe_1 record_set_number
//go:noescape
func hostRecordSetNumber(h int32, name string, v float64) int32

//go:wasmimport troupe_1 record_json
//go:noescape
func hostRecordJSON(h int32, name string, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport troupe_1 record_set_json
//go:noescape
func hostRecordSetJSON(h int32, name string, ptr unsafe.Pointer, len uint32) int32

//go:wasmimport troupe_1 record_collection
//go:noescape
func hostRecordCollection(h int32, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport troupe_1 record_original
func hostRecordOriginal(h int32) int32

//go:wasmimport troupe_1 record_hide
//go:noescape
func hostRecordHide(h int32, name string) int32

//go:wasmimport troupe_1 record_show
//go:noescape
func hostRecordShow(h int32, name string) int32

//go:wasmimport troupe_1 find
//go:noescape
func hostFind(as int32, coll string, id string) int32

//go:wasmimport troupe_1 list
//go:noescape
func hostList(as int32, coll string, query unsafe.Pointer, qlen uint32) int32

//go:wasmimport troupe_1 create
//go:noescape
func hostCreate(as int32, coll string, ptr unsafe.Pointer, len uint32) int32

//go:wasmimport troupe_1 update
//go:noescape
func hostUpdate(as int32, coll string, id string, ptr unsafe.Pointer, len uint32) int32

//go:wasmimport troupe_1 delete
//go:noescape
func hostDelete(as int32, coll string, id string) int32

//go:wasmimport troupe_1 sql
//go:noescape
func hostSQL(ptr string, params unsafe.Pointer, plen uint32) int32

//go:wasmimport troupe_1 rows_next
func hostRowsNext(rows int32) int32

//go:wasmimport troupe_1 rows_json
//go:noescape
func hostRowsJSON(rows int32, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport troupe_1 rows_affected
func hostRowsAffected(rows int32) int32

//go:wasmimport troupe_1 close
func hostClose(h int32) int32

//go:wasmimport troupe_1 transaction_begin
func hostTransactionBegin() int32

//go:wasmimport troupe_1 transaction_commit
func hostTransactionCommit() int32

//go:wasmimport troupe_1 transaction_rollback
func hostTransactionRollback() int32

//go:wasmimport troupe_1 request
//go:noescape
func hostRequest(part int32, name string, buf unsafe.Pointer, cap uint32) int32

//go:wasmimport troupe_1 auth
func hostAuth() int32

//go:wasmimport troupe_1 auth_superuser
func hostAuthSuperuser() int32

//go:wasmimport troupe_1 respond
//go:noescape
func hostRespond(status int32, ctype string) int32

//go:wasmimport troupe_1 respond_header
//go:noescape
func hostRespondHeader(name string, value string) int32

//go:wasmimport troupe_1 reject
//go:noescape
func hostReject(status int32, ptr string) int32

//go:wasmimport troupe_1 reject_field
//go:noescape
func hostRejectField(name string, code string, msg string) int32

//go:wasmimport troupe_1 pass_on
func hostPassOn() int32

//go:wasmimport troupe_1 failure
//go:noescape
func hostFailure(buf unsafe.Pointer, cap uint32) int32
