//! Errors for malformed questions. Each names the field and its bound, never what it held.

use tonic::Status;
use tonic::metadata::MetadataValue;

use crate::pep::header::names;

/// The longest id, in bytes.
pub const MAX_ID_BYTES: usize = 256;
/// The highest age, in years.
pub const MAX_AGE: u32 = 150;

/// The status with the pact's promises in its metadata: an error has no message that could hold them.
#[must_use]
pub fn promising(mut status: Status) -> Status {
    for (name, value) in names::PROMISES {
        status.metadata_mut().insert(name, MetadataValue::from_static(value));
    }
    status
}

/// INVALID_ARGUMENT: what `field` should have been.
#[must_use]
pub fn invalid(field: &str, bound: &str) -> Status {
    Status::invalid_argument(format!("`{field}`: {bound}"))
}

/// A required id of 1 to 256 bytes.
///
/// # Errors
/// INVALID_ARGUMENT naming `field`.
pub fn required_id<'a>(field: &str, id: &'a str) -> Result<&'a str, Status> {
    if id.is_empty() {
        return Err(invalid(field, "required, 1 to 256 bytes"));
    }
    optional_id(field, id)
}

/// An id of up to 256 bytes, or none.
///
/// # Errors
/// INVALID_ARGUMENT naming `field`.
pub fn optional_id<'a>(field: &str, id: &'a str) -> Result<&'a str, Status> {
    if id.len() > MAX_ID_BYTES {
        return Err(invalid(field, &format!("{} bytes are more than 256", id.len())));
    }
    Ok(id)
}
