//! How messages look on RabbitMQ, and which queues they go through.

pub(crate) mod frame;
pub(crate) mod queues;
