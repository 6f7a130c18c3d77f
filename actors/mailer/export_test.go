package mailer

// MaxQueued is the bound of the queue.
const MaxQueued = maxQueued
