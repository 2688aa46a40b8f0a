//! Reading what is kept between runs. The version is looked at before all else: what another one says need not have the same fields.

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Reads JSON whose `schemaVersion` must be this one.
///
/// # Errors
/// Why it can't be understood.
pub(super) fn read<T: DeserializeOwned>(bytes: &[u8], version: u32) -> Result<T, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Versioned {
        schema_version: u32,
    }
    let versioned: Versioned = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    if versioned.schema_version != version {
        return Err(format!("it is of version {}, and not {version}", versioned.schema_version));
    }
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}
