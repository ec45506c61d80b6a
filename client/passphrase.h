#pragma once

/*
 * Passphrase: typed unseen on the terminal, or one line of stdin where a script says so.
 *
 * From 1 to PASSPHRASE_MAX bytes of UTF-8 with no control characters but tabs, blanks at its ends included.
 */

#include "client/prompt.h"
#include "client/rpc.h"
#include "proto/secret.h"

enum { PASSPHRASE_MAX = 1024, PASSPHRASE_TRIES = 3 };

/* Says so if there is nowhere to ask. With from_stdin a person is asked only where stdin is a terminal. */
int passphrase_begin(struct prompt *prompt, bool from_stdin);

/* Asks once. Failures are said: -EINVAL: it can be no passphrase, which a person may mend. */
int passphrase_ask(struct secret **ret, struct prompt *prompt, const char *question);

/* A new one, which a person has to type twice. The exit status, having said what is wrong. */
int passphrase_ask_new(struct secret **ret, bool from_stdin);

/* The member passphrase; left out for NULL. */
void passphrase_write(struct rpc *rpc, const struct secret *passphrase);
