//! One program, three roles: gateway, mix, provider.
