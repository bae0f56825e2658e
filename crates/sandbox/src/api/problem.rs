//! Errors of the API: problem details (RFC 9457).

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use emta_store::StoreError;
use serde_json::json;

use crate::campaign::CommandError;
use crate::clock::ClockError;

/// What went wrong, and what to do.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    detail: String,
}

impl Problem {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }

    /// What an extractor refused.
    pub(super) fn refused(status: StatusCode, detail: String) -> Self {
        Self::new(status, detail)
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    pub(super) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = json!({
            "type": "about:blank",
            "title": title,
            "status": self.status.as_u16(),
            "detail": self.detail,
        });
        let mut response = (self.status, Json(body)).into_response();
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

impl From<ClockError> for Problem {
    fn from(error: ClockError) -> Self {
        let status = match error {
            ClockError::NotFrozen(_) | ClockError::Busy => StatusCode::CONFLICT,
            ClockError::Backwards { .. } => StatusCode::BAD_REQUEST,
            ClockError::Stuck { .. } | ClockError::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let status = match error {
            StoreError::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
            StoreError::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            StoreError::Busy { .. } | StoreError::Closed => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, error.to_string())
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        use emta_campaign::CampaignError as C;
        match error {
            CommandError::Store(error) => error.into(),
            CommandError::Refused(error) => {
                let status = match error {
                    C::UnknownDelivery(_) | C::UnknownLog(_) => StatusCode::NOT_FOUND,
                    C::State { .. } | C::DeliveryExists(_) => StatusCode::CONFLICT,
                    C::Excluded(_) | C::TooManyDeliveries(_) | C::TooMuch { .. } | C::Values { .. } => {
                        StatusCode::UNPROCESSABLE_ENTITY
                    }
                };
                Self::new(status, error.to_string())
            }
        }
    }
}
