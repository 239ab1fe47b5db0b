-- One activation of a new computer: lock the key, look for the request and the computer, count.
\set key random(1, :keys)
\set first random(1, 9000000000000000000)
\set second random(1, 9000000000000000000)
BEGIN;
SELECT used, activation_limit FROM product_keys WHERE id = :key FOR UPDATE;
SELECT id FROM activations WHERE key_id = :key AND request_id = int8send(:first);
SELECT id, evidence FROM activations WHERE key_id = :key AND anchor = int8send(:second);
INSERT INTO activations (key_id, anchor, evidence, request_id) VALUES (:key, int8send(:second), decode(repeat('ab', 200), 'hex'), int8send(:first));
UPDATE product_keys SET used = used + 1 WHERE id = :key AND used < activation_limit;
COMMIT;
