-- A page of blocks that was read again may tell more of a movement that is not booked yet, and nodes that disagree may tell of one
-- transaction twice. As in 0150 otherwise.
CREATE OR REPLACE FUNCTION note_movements(first bigint, last bigint, hashes text[], lines integer[], currencies text[], amounts numeric[],
                                          gas numeric[], blocks bigint[], times timestamptz[], counterparties text[])
  RETURNS void LANGUAGE sql AS $$
  DELETE FROM chain_movement m WHERE block BETWEEN first AND last AND NOT booked
    AND NOT EXISTS (SELECT FROM unnest(hashes, lines) AS u (hash, line) WHERE u.hash = m.hash AND u.line = m.line);
  INSERT INTO chain_movement (hash, line, currency, units, gas_eth, block, at, counterparty)
  SELECT DISTINCT ON (hash, line) * FROM unnest(hashes, lines, currencies, amounts, gas, blocks, times, counterparties)
    AS u (hash, line, currency, units, gas, block, at, counterparty) ORDER BY hash, line, block DESC
  ON CONFLICT (hash, line) DO UPDATE SET block = EXCLUDED.block, at = EXCLUDED.at,
    gas_eth = CASE WHEN chain_movement.booked THEN chain_movement.gas_eth ELSE EXCLUDED.gas_eth END,
    units = CASE WHEN chain_movement.booked THEN chain_movement.units ELSE EXCLUDED.units END;
$$;
