//! How messages look on RabbitMQ, and which queues they go through.

pub(crate) mod body;
pub(crate) mod bundle;
pub(crate) mod frame;
pub(crate) mod queues;
