#!/usr/bin/env node
// The command, a committed file: npm links a bin only if it is there at install. It imports what
// `prepare` builds.
import '../dist/main.js';
