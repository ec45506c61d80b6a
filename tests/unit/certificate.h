#pragma once

/* The certificate of an authority that vouches for nobody: its key was thrown away. */

static const char certificate_pem[] = "-----BEGIN CERTIFICATE-----\n"
                                      "MIIBIjCByKADAgECAgEBMAoGCCqGSM49BAMCMA8xDTALBgNVBAMMBHRlc3QwIBcN\n"
                                      "MjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMA8xDTALBgNVBAMMBHRlc3Qw\n"
                                      "WTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAASM2WXOLOA9DR+PXOtlzNa/imLvF0jl\n"
                                      "G4lNtAGgAW93DGQTg8q29Lvbo/uuQE3+29P2PjEOcICJtSOpsMI6ZyJpoxMwETAP\n"
                                      "BgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCNKEjCLMSXo1Mr9wXy\n"
                                      "65nQekiupHzLOUHBYS5dJxRL3gIhAMtzfXM6tEYTtlpGWiWLBdoUmOYNhK5nIw2b\n"
                                      "KX2z+7EF\n"
                                      "-----END CERTIFICATE-----\n";
