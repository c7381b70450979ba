//! One declaration a setting, for file, flag, variable, help and documentation.

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    CertificateChoice, LoginChoice, MonerodChoice, Period, PublicKey, ReceiptsTo, RoleName,
};

/// A type that a setting can have.
pub(crate) trait Setting {
    /// What a flag gives.
    type Given;

    /// Takes what was given.
    fn take(&mut self, given: Self::Given);
}

macro_rules! plain {
    ($($type:ty),*) => {
        $(impl Setting for $type {
            type Given = Self;

            fn take(&mut self, given: Self) {
                *self = given;
            }
        })*
    };
}

plain!(
    String,
    bool,
    u8,
    usize,
    SocketAddr,
    PathBuf,
    Period,
    RoleName,
    ReceiptsTo,
    PublicKey,
    CertificateChoice,
    LoginChoice,
    MonerodChoice
);

impl<T: Setting<Given = T>> Setting for Option<T> {
    type Given = T;

    fn take(&mut self, given: T) {
        *self = Some(given);
    }
}

/// A field as it is documented.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Field {
    /// Its key in the file; the flag has dashes for the underscores.
    pub(crate) key: &'static str,
    /// What it does, a line each.
    pub(crate) doc: &'static [&'static str],
}

/// A configuration that can say what its fields are.
pub(crate) trait Described: Default + Serialize + DeserializeOwned {
    /// The flags that give the same.
    type Flags;

    /// What is configured, a line each.
    const ABOUT: &'static [&'static str];

    /// Its fields, in order.
    const FIELDS: &'static [Field];

    /// Takes what flags and variables say.
    fn take(&mut self, flags: Self::Flags);
}

/// Declares a configuration and its flags. Flags of `lists` may be given several times.
macro_rules! settings {
    (
        $(#[doc = $about:literal])+
        $settings:ident, $flags:ident;
        $(
            $(#[doc = $doc:literal])+
            $(#[arg($($arg:tt)*)])?
            $field:ident: $type:ty = $default:expr;
        )+
        $(
            lists {
                $(
                    $(#[doc = $list_doc:literal])+
                    $(#[arg($($list_arg:tt)*)])?
                    $list:ident: $of:ty;
                )+
            }
        )?
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        #[allow(clippy::doc_markdown, reason = "printed as help, where backticks would show")]
        pub(crate) struct $settings {
            $($(#[doc = $doc])+ pub(crate) $field: $type,)+
            $($($(#[doc = $list_doc])+ pub(crate) $list: Vec<$of>,)+)?
        }

        impl Default for $settings {
            fn default() -> Self {
                Self { $($field: $default,)+ $($($list: Vec::new(),)+)? }
            }
        }

        #[doc = concat!("The flags of [`", stringify!($settings), "`].")]
        #[derive(Clone, Debug, Default, clap::Args)]
        #[allow(clippy::doc_markdown, reason = "printed as help, where backticks would show")]
        pub(crate) struct $flags {
            $(
                $(#[doc = $doc])+
                #[arg(long $(, $($arg)*)?)]
                pub(crate) $field: Option<<$type as $crate::settings::Setting>::Given>,
            )+
            $($(
                $(#[doc = $list_doc])+
                #[arg(long, value_delimiter = ',' $(, $($list_arg)*)?)]
                pub(crate) $list: Option<Vec<$of>>,
            )+)?
        }

        impl $crate::settings::Described for $settings {
            type Flags = $flags;

            const ABOUT: &'static [&'static str] = &[$($about),+];

            const FIELDS: &'static [$crate::settings::Field] = &[
                $($crate::settings::Field { key: stringify!($field), doc: &[$($doc),+] },)+
                $($($crate::settings::Field { key: stringify!($list), doc: &[$($list_doc),+] },)+)?
            ];

            fn take(&mut self, flags: $flags) {
                $(if let Some(given) = flags.$field {
                    $crate::settings::Setting::take(&mut self.$field, given);
                })+
                $($(if let Some(given) = flags.$list {
                    self.$list = given;
                })+)?
            }
        }
    };
}

pub(super) use settings;
