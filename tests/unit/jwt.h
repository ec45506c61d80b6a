#pragma once

/* Tokens of identity for tests: one that was signed as Globus signs, and any that a test makes up. */

#include "tests/unit/unit.h"

#include <stdio.h>

#include "daemon/base/crypto.h"
#include "proto/macro.h"

#define JWT_CLIENT "f1b7c0de-5a11-4c3a-9f7e-0a1b2c3d4e5f"
#define JWT_ISSUER "https://auth.globus.org"
#define JWT_SUB "3c1f9a52-7d0e-4b6e-9a33-5f2b6c0d1e77"
#define JWT_USERNAME "apark@ridgeway.example"
#define JWT_ACCESS_TOKEN "Ag0standin0access0token0for0tests"
#define JWT_AT_HASH "1OwCzkbV5gJCSYRe6fcNT7ZqU7BwAw-OuyQRjH4mjcA" /* with SHA-512 */

enum { JWT_EXPIRES = 1700172800 };

#define JWT_SIGNED                                                                                             \
        "eyJhbGciOiJSUzUxMiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIzYzFmOWE1Mi03ZDBlLTRiNmUtOWEzMy01ZjJiNmMwZDFlNzc"     \
        "iLCJvcmdhbml6YXRpb24iOiJSaWRnZXdheSBVbml2ZXJzaXR5IiwibmFtZSI6IkFkYSBQYXJrIiwicHJlZmVycmVkX3VzZXJ"     \
        "uYW1lIjoiYXBhcmtAcmlkZ2V3YXkuZXhhbXBsZSIsImlkZW50aXR5X3Byb3ZpZGVyIjoiMGQ4YTBjMWUtMmY2NC00ZDFiLTh"     \
        "mNGUtNmE0ZjBiNmE5ZjEwIiwiaWRlbnRpdHlfcHJvdmlkZXJfZGlzcGxheV9uYW1lIjoiUmlkZ2V3YXkgVW5pdmVyc2l0eSI"     \
        "sImVtYWlsIjoiYXBhcmtAcmlkZ2V3YXkuZXhhbXBsZSIsImxhc3RfYXV0aGVudGljYXRpb24iOjE2OTk5OTk5OTAsImlkZW5"     \
        "0aXR5X3NldCI6W3sic3ViIjoiM2MxZjlhNTItN2QwZS00YjZlLTlhMzMtNWYyYjZjMGQxZTc3Iiwib3JnYW5pemF0aW9uIjo"     \
        "iUmlkZ2V3YXkgVW5pdmVyc2l0eSIsIm5hbWUiOiJBZGEgUGFyayIsInVzZXJuYW1lIjoiYXBhcmtAcmlkZ2V3YXkuZXhhbXB"     \
        "sZSIsImlkZW50aXR5X3Byb3ZpZGVyIjoiMGQ4YTBjMWUtMmY2NC00ZDFiLThmNGUtNmE0ZjBiNmE5ZjEwIiwiaWRlbnRpdHl"     \
        "fcHJvdmlkZXJfZGlzcGxheV9uYW1lIjoiUmlkZ2V3YXkgVW5pdmVyc2l0eSIsImVtYWlsIjoiYXBhcmtAcmlkZ2V3YXkuZXh"     \
        "hbXBsZSIsImxhc3RfYXV0aGVudGljYXRpb24iOjE2OTk5OTk5OTB9XSwiaXNzIjoiaHR0cHM6Ly9hdXRoLmdsb2J1cy5vcmc"     \
        "iLCJhdWQiOiJmMWI3YzBkZS01YTExLTRjM2EtOWY3ZS0wYTFiMmMzZDRlNWYiLCJleHAiOjE3MDAxNzI4MDAsImlhdCI6MTc"     \
        "wMDAwMDAwMCwiYXRfaGFzaCI6IjFPd0N6a2JWNWdKQ1NZUmU2ZmNOVDdacVU3QndBdy1PdXlRUmpING1qY0EifQ.CRt-BetT"     \
        "hs5A1LGlVOzNxiycmzxikgIkPQyOMIyQTHue685vgsqyH0BmBVkiFtKr1peKn08yfdhvKapk2Nfvw8iMDMGjIkD0q-8ZFOXs"     \
        "IkLMXN7pRPo5_CxPG4XlMIyzwYGlZaLTAAElLHwOvgWaeDT717datTutxIsPmditQ6HE1fT3OHhNsUE2GNq0iirOvh-3vCrC"     \
        "ptqOiqfwyW90_Wt38aO2VS6ufp5lJZG60jP3Ux-pnEcrqJFthw7NJdsm9mmV0-LdLUVtxgo9MAyZDO_9-u1RQ04eBzL7_Ezt"     \
        "CLHtBzkSwy2ODAc5l4IiDzw1DMJx7HAxAIoFNTbz3pXA2Q"

/* header and claims are JSON; the signature is not one. Owned by the caller. */
static inline char *jwt_make(const char *header, const char *claims) {
        _cleanup_(freep) char *a = NULL, *b = NULL;
        char *jwt;

        assert_int_equal(crypto_base64url_encode(&a, header, strlen(header)), 0);
        assert_int_equal(crypto_base64url_encode(&b, claims, strlen(claims)), 0);
        assert_true(asprintf(&jwt, "%s.%s.c2ln", a, b) > 0);
        return jwt;
}
